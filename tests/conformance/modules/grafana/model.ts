// Grafana's own types, as a dashboard of plain JSON has to fit them.
import type { AnnotationQuery, Dashboard, VariableModel } from '@grafana/schema';
import type * as bargauge from '@panel/bargauge';
import type * as heatmap from '@panel/heatmap';
import type * as stat from '@panel/stat';
import type * as statetimeline from '@panel/statetimeline';
import type * as table from '@panel/table';
import type * as timeseries from '@panel/timeseries';

// JSON has the values of string enumerations, not their names.
type Written<T> = T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends Array<infer U> ? Written<U>[]
  : T extends object ? { [K in keyof T]: Written<T[K]> }
  : T;

// The schema has the built-in annotations' target here; its comment says that it should be a query of the data source.
type PrometheusAnnotation = Written<Omit<AnnotationQuery, 'target'>> & {
  target: { refId: string; expr: string; interval: string };
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
  useValueForTime: boolean;
};
// The editor shows a query variable by this text; the schema leaves it to the data source.
type Variable = Written<VariableModel> & { definition?: string };

export type Page = Omit<Written<Dashboard>, 'annotations' | 'templating'> & {
  annotations: { list: PrometheusAnnotation[] };
  templating: { list: Variable[] };
};

export interface Options {
  'bargauge': Written<bargauge.Options>;
  'heatmap': Written<heatmap.Options>;
  'stat': Written<stat.Options>;
  'state-timeline': Written<statetimeline.Options>;
  'table': Written<table.Options>;
  'timeseries': Written<timeseries.Options>;
}

export interface Custom {
  'heatmap': Partial<Written<heatmap.FieldConfig>>;
  'state-timeline': Partial<Written<statetimeline.FieldConfig>>;
  'table': Partial<Written<table.FieldConfig>>;
  'timeseries': Partial<Written<timeseries.FieldConfig>>;
}
