"""Every diagnostic code: what it means, why it matters, what to do. `docs/diagnostics.md` is made from this.

Codes are grouped by stage and never reused: L load, V validate, R resolve and references, S semantics,
P policy and privacy, T what a target cannot express, X what verify finds in files of anybody, W write and link.
"""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple

_CODE = re.compile(r"[A-Z][0-9]{2,4}")


class Code(NamedTuple):
    """A code's page: a title of a few words, an explanation of one to three sentences, and how much it weighs.

    `levels` are the severities that its findings can have (error, warning, info), the usual one first.
    """

    title: str
    explanation: str
    levels: tuple[str, ...] = ("error",)


_WARNING, _INFO, _MOSTLY_ERROR, _MOSTLY_WARNING = ("warning",), ("info",), ("error", "warning"), ("warning", "error")


CODES: dict[str, Code] = {
    # L0xx load
    "L001": Code("too large", "A file passes a limit that no specification needs: 1 MiB, 60 levels, 100 aliases, "
                 "50,000 values (what aliases repeat counts each time, keys do not), 1,000 documents, 10,000 mistakes. "
                 "Nothing behind that place is read."),
    "L002": Code("no document", "The file holds nothing to compile: it is empty, or has only comments or the word `null`."),
    "L003": Code("not UTF-8", "Specifications are UTF-8 text, with or without a byte order mark at the start. UTF-16, UTF-32 "
                 "and Windows code pages are not guessed at."),
    "L004": Code("control character", "Control characters, raw or escaped, would reach outputs or terminals; so would "
                 "noncharacters and halves of surrogate pairs. Line breaks and tabs are no such characters."),
    "L005": Code("invisible character", "Zero-width and direction-changing characters make a text read other than it is, in "
                 "comments too. A byte order mark may only begin the file."),
    "L006": Code("not a mapping", "A document is a mapping of keys to values."),
    "L007": Code("duplicate key", "A key may stand only once in a mapping: which of two values holds is a guess."),
    "L008": Code("key that is no text", "Keys of the language are text; a number or a list cannot be one."),
    "L009": Code("alias without anchor", "An alias repeats a value that was anchored before it, and never one it is part of."),
    "L010": Code("YAML syntax", "The text is no YAML. Only the document with the error is lost: those before it, and those "
                 "that begin with a later `---`, are read."),
    "L011": Code("merge key", "`<<` belongs to YAML 1.1. Profiles and environments of the platform do its work."),
    "L012": Code("ambiguous text", "Readers of YAML 1.1 take `yes`, `off`, `y`, `1:30`, `1_000` or `0b11` for truth "
                 "values and numbers. All of them are text here, by YAML 1.2; quotes say so to every reader.", _WARNING),
    "L013": Code("leading zero", "`0644` is 420 to readers of YAML 1.1 and 644 to those of 1.2: nothing is safe to assume.", _MOSTLY_ERROR),
    "L014": Code("number out of range", "Not-a-number, infinity, integers beyond 64 bits and floats that overflow or vanish "
                 "have no place in a configuration. Often it is a commit or an id that needs quotes: `12e4567`."),
    "L015": Code("YAML directive", "Specifications are read as YAML 1.2, whatever a directive asks for.", _MOSTLY_WARNING),
    "L016": Code("tag", "Only the tags of YAML's core schema are known (`!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, "
                 "`!!map`, `!!seq`), and only on values that fit them; no others can be declared."),
    "L017": Code("typographic quotes", "Typographic quotes do not quote: they are part of the text.", _WARNING),
    "L018": Code("link out of the folder", "Specs are untrusted: a link could make the compiler read what its author may not."),
    "L019": Code("no such file", "A path that was given cannot be read."),
    "L020": Code("foreign space", "A no-break or other typographic space looks like a space, and YAML takes it for a letter: "
                 "an error in a key or where it breaks the syntax, a warning at the edge of a value.", _MOSTLY_ERROR),
    "L021": Code("empty document", "Two `---` with nothing between them: a document may have been lost. One without content "
                 "at the start or the end of a file is skipped.", _WARNING),
    # Comments that keep findings quiet
    "L022": Code("comment that is not understood", "A comment that begins with `obsc:` and a word like `ignore` is meant for "
                 "the compiler. What it cannot read keeps nothing quiet.", _WARNING),
    "L023": Code("suppression without a reason", "Whoever reviews the line now or reads it later needs to know why the finding "
                 "may be overlooked. Without a reason nothing is kept quiet.", _WARNING),
    "L024": Code("suppression of an unknown code", "A mistyped code keeps nothing quiet.", _WARNING),
    "L025": Code("what cannot be suppressed", "Errors are mended. What protects other tenants and private data is the platform's to "
                 "decide, and what is said of outputs or of suppressions themselves is kept quiet by no comment in a spec.", _WARNING),
    "L026": Code("suppression of nothing", "The finding is gone, or stands on another line: the comment would hide the next one that "
                 "comes. Lines of a platform's `defaults`, `profiles` and `enforced` are not judged so, nor files with errors.", _WARNING),
    # V1xx validate
    "V101": Code("unknown key", "The language has no such key at this place. Nothing unknown is ever ignored."),
    "V102": Code("not in this version", "The word is reserved: the language knows it, this version does not compile it. "
                 "It is refused, since without effect it would promise something that does not happen."),
    "V103": Code("missing", "No layer (catalog, defaults, profile, document, environment) supplies a value that is needed."),
    "V104": Code("wrong value", "The value has not the type or form that belongs here."),
    "V105": Code("wrong name", "The key is a name, and this text is none that its consumers accept."),
    "V106": Code("fixed key", "The key belongs to a document as a whole and cannot differ in a part of it."),
    "V107": Code("no value", "A key without a value says nothing. `null` removes what a lower layer says."),
    "V108": Code("duplicate name", "Items of a list of named items are told apart by their names."),
    # R2xx resolve, references
    "R201": Code("environment defined twice", "An environment has exactly one platform."),
    "R202": Code("unknown environment", "A service can only exist in environments that some platform defines."),
    "R203": Code("unknown profile", "Profiles are defined by the platform."),
    "R204": Code("enforced by the platform", "The platform enforces a value; a spec may repeat it, not contradict it."),
    "R205": Code("unknown runtime", "The catalog has no such runtime, so nothing is known of its metrics. Where a platform's own entry has "
                 "mistakes, the services that rest on it are held back, and no others.", ("error", "info")),
    "R206": Code("empty version range", "No release lies in the range."),
    "R207": Code("service defined twice", "A service is identified by environment, namespace and name."),
    "R208": Code("no such environment", "The environment that was asked for has no platform."),
    "R210": Code("unknown endpoint", "A series is served by an endpoint of its own service."),
    "R211": Code("reserved name", "The name stands for what services share."),
    "R212": Code("unknown team", "Where the platform lists its teams, alerts of others would reach nobody."),
    "R213": Code("unknown receiver", "Alertmanager refuses a configuration whose routes name a receiver that does not exist."),
    "R214": Code("unknown engine", "A serving framework passes on the metrics of some engines only."),
    "R215": Code("another release", "Outputs belong to a release of the compiler; the platform says which releases may write them."),
    "R216": Code("unknown kind of workload", "Kinds with a group in their names are those that the platform's `catalogs` bring along. "
                 "Where these have mistakes, the services of such kinds are held back, and no others.", ("error", "info")),
    "R280": Code("catalog entry contradicts itself", "A catalog file names a metric, label, set or release that it does not "
                 "have, or reads a metric in a form that its type does not allow."),
    "R281": Code("catalog folder", "A platform's `catalogs` are folders with entries, below what was given to the compiler: nothing "
                 "else is ever opened."),
    "R282": Code("entry replaced", "Of several entries of a name the first folder's holds, and any of them before the built-in "
                 "one.", _INFO),
    "R283": Code("not among its own", "A file is a catalog entry if it lies in a folder that a platform names in `catalogs`, and a spec "
                 "if it lies anywhere else.", _MOSTLY_WARNING),
    # S3xx semantics
    "S301": Code("unknown alert", "`alerts.rules` changes built-in alerts, by their names."),
    "S302": Code("no targets", "With static discovery nothing is scraped unless targets are given."),
    "S303": Code("targets without static discovery", "Targets have no effect with another discovery."),
    "S304": Code("nothing to discover", "A workload outside the cluster, or in somebody else's pods, cannot be discovered."),
    "S305": Code("no matchers", "Series that somebody else scrapes carry that job's label: matchers must tell the service's own."),
    "S306": Code("no failed requests", "An error rate needs to know which values of a label mean a failure of the service."),
    "S307": Code("buckets", "Bucket bounds belong to histograms and rise."),
    "S308": Code("alert that cannot be made", "The spec asks for an alert whose metric does not exist here. Leaving it out "
                 "silently would promise an alert that never fires."),
    "S309": Code("timeout beyond the interval", "Prometheus loads no configuration with such a job."),
    "S310": Code("number without effect", "The alert has no such number."),
    "S311": Code("bounds of replicas", "The most replicas cannot be fewer than the fewest."),
    "S312": Code("short hold", "An alert that must last less than two evaluations fires on a single odd sample.", _WARNING),
    "S313": Code("kind of threshold", "A threshold is a duration, a ratio or a bare number, as its alert compares."),
    "S314": Code("unrouted alerts", "An alert that ends at no receiver is not an alert."),
    "S315": Code("unknown buckets", "Without the bucket bounds nobody can say whether the alert can ever fire."),
    "S316": Code("quantile beyond the last bucket", "A quantile of a histogram never exceeds its last finite bound."),
    "S317": Code("threshold between buckets", "How many requests took longer is known only at bucket bounds.",
                 ("warning", "error", "info")),
    "S318": Code("whose log files", "Log files are told by the names of a service's pods, or by paths."),
    "S319": Code("repetition", "Alertmanager repeats only when a group is due.", _WARNING),
    "S320": Code("silent receiver", "A receiver without a way to tell anybody swallows alerts."),
    "S321": Code("webhook address", "A webhook has one address, written or kept in a Secret."),
    "S322": Code("log file of two services", "Lines of a file that two inputs read arrive twice."),
    "S323": Code("renamed labels", "Without honorLabels an exporter's namespace, pod and container become exported_… labels."),
    "S324": Code("not RE2", "Consumers read RE2; an expression that one of them refuses stops it for everybody."),
    "S330": Code("either name", "The metric was renamed within the range of versions, so rules read both names.", _INFO),
    "S331": Code("alert left out", "The runtime or the platform has nothing to base the alert on.", _INFO),
    "S332": Code("signal not shown", "No metric of the runtime shows the signal; the id says why, and docs/runtimes.md has all of them. A "
                 "series of the service's own may show it, where the language has a word for it.", _INFO),
    "S340": Code("closed metrics page", "The runtime serves no metrics unless its deployment asks for it. A spec that says nothing "
                 "of the flag is compiled as if it were set: without it every scrape fails, and the service looks down. "
                 "Of a program that never serves any, only containers, accelerators, logs and probes are watched.", _MOSTLY_WARNING),
    "S341": Code("option without effect", "`runtime.options` are the flags that decide which metrics exist and what their buckets "
                 "are.", _WARNING),
    "S342": Code("engine that is not heard", "Some frameworks pass on the metrics of their engine only if an option says so.", _WARNING),
    "S350": Code("not PromQL", "Rule files with an expression that Prometheus refuses are refused whole."),
    "S351": Code("unknown metric", "Nothing that is known to the service or the platform exposes the metric: the expression may never "
                 "have a sample. Declare it in `metrics.series`, or mend its name.", _WARNING),
    "S352": Code("name taken", "Alerts, indicators and panels are told apart by their names."),
    "S353": Code("no bound", "An indicator is judged by its bounds: one at least, and in order."),
    "S354": Code("one of two", "An indicator is a ratio of counters or the value of an expression, one of them."),
    "S355": Code("dropped metric in use", "A metric that is not stored cannot be read by a rule or a panel."),
    "S356": Code("label of the compiler's", "Rules rely on job, namespace, service and the like; a pod's label cannot stand for them."),
    "S357": Code("probe without a way", "A probe needs the platform's black-box exporter, one of its modules, and an address to ask."),
    "S358": Code("type that does not fit", "A signal is a rate of what is counted, a distribution of times, or a level: not every type of "
                 "series can show it."),
    "S361": Code("name too long", "Operators shorten long names of objects in ways of their own, and nothing tells their pods any more."),
    "S362": Code("test that proves nothing", "A test over series that the alert does not read, or before it can fire, says nothing of it."),
    "S370": Code("source of an objective", "A promise is about one thing: a signal, a histogram, counters, or an indicator."),
    "S371": Code("objective without its signal", "What nothing measures cannot be promised."),
    "S372": Code("threshold of an objective", "What is still good is a duration for times, a ratio or a number for levels, and nothing "
                 "where requests simply succeed or fail."),
    "S373": Code("statistic of an objective", "Requests are judged one by one where a histogram counts them; else minutes are, by a mean."),
    "S374": Code("budget too large to burn fast", "A share never exceeds all requests: an alert on 14.4 times a budget of a tenth could "
                 "never fire.", _INFO),
    "S375": Code("too little traffic", "At night one failed request is a hundred per cent.", ("error", "info")),
    "S376": Code("unknown to the objective", "A promise names components, indicators and labels that are there."),
    "S377": Code("period of an objective", "A budget is counted over the samples that are kept.", _MOSTLY_ERROR),
    "S378": Code("alert too late", "An alert comes as late as its scrapes, evaluations, windows, `for` and the group's wait add up to: "
                 "what has to come sooner needs shorter ones."),
    "S380": Code("quantile without a result", "Quantiles are read from buckets that still have their bounds, for a share from 0 to 1."),
    "S381": Code("function for another type", "A counter only grows and begins anew with a restart, which rate() and increase() know; a "
                 "level goes up and down, which they take for restarts.", _WARNING),
    "S382": Code("counted since the start", "What a counter holds is of the program's whole life: it says nothing of now, and "
                 "falls to nothing with a restart.", _WARNING),
    "S383": Code("order of aggregation", "Rates come before sums, and quantiles behind them.", _WARNING),
    "S384": Code("units", "The number, or the other side, is in another unit than the metric: the alert fires always or never. An "
                 "error where a level that is a ratio would have to pass 1.", _MOSTLY_WARNING),
    "S385": Code("sides that do not match", "An operation on two vectors pairs series with the same labels. Those without a "
                 "partner are lost without a word.", _WARNING),
    "S386": Code("share of very few", "A share says little where there are few events, and is no number where there are none.", _WARNING),
    "S387": Code("matcher", "A matcher that fits nothing gives an empty result, which looks like health; one that fits too much mixes in "
                 "others. One that cannot be read is an error.", _MOSTLY_WARNING),
    "S388": Code("unknown label", "Matching or grouping by a label that the series do not have gives nothing, or one group of "
                 "all.", _WARNING),
    "S389": Code("not at this release", "The metric was renamed or is gone, or exists only with an option that the spec does "
                 "not set.", _WARNING),
    "S390": Code("window", "A rate needs two samples within its window, and four scrapes leave room for one that fails; and nothing is "
                 "older than samples are kept.", _WARNING),
    "S391": Code("shape of an alert", "The expression is sound, and decides another thing than it seems to.", _WARNING),
    "S392": Code("label without bounds", "Each value of each label makes a series. Ids of requests and people belong into logs and "
                 "traces.", _WARNING),
    "S393": Code("too many series", "Series cost memory for as long as they are written, and disk for as long as they are kept. The "
                 "estimate counts each metric of the release, times the values of its labels and its buckets, for all replicas."),
    # P4xx policy, privacy
    "P402": Code("foreign namespace", "The platform says in which namespaces a team may run services."),
    "P403": Code("severity above the team's", "The platform limits how urgent a team's alerts may be."),
    "P404": Code("target not allowed", "A shared Prometheus must not be sent where a tenant likes."),
    "P405": Code("link not allowed", "Links end up in alerts and dashboards that many click."),
    "P406": Code("log path not allowed", "A shared log shipper reads only the platform's folders."),
    "P407": Code("content would get out", "Prompts and private values are removed unless the platform permits otherwise."),
    "P408": Code("unchecked certificate", "Whoever answers could be anybody."),
    "P410": Code("another tenant's series", "A service reads the series of its own namespace."),
    "P409": Code("plain text backend", "Telemetry and credentials would cross the network readable.", _MOSTLY_ERROR),
    "P401": Code("credential in a spec", "Specs are committed and compiled into files that many read. Only references to "
                 "Secrets may stand in them. Whatever was written must be considered known: revoke it."),
    # T5xx targets
    "T501": Code("no effect in this form", "The chosen form of output has no place for the value.", _WARNING),
    "T502": Code("half of a pair", "Logs need a shipper and a store, traces a Collector and a store.", _WARNING),
    "T503": Code("release too old", "Outputs use what consumers have learnt over time; an older one refuses them."),
    # X6xx verify: files of anybody, judged as their consumers would
    "X601": Code("nothing to verify", "No file below the folder is a Kubernetes object or a configuration that is known. A check of "
                 "nothing must not look like success."),
    "X602": Code("JSON syntax", "The text is no JSON, or holds NaN or Infinity, which JSON does not have."),
    "X603": Code("unknown kind", "That version of Kubernetes has no such kind in the group, or no longer serves it in this version."),
    "X604": Code("unknown field", "The API server drops fields that it does not know, unless it is asked to refuse them; Prometheus "
                 "and Alertmanager do not start."),
    "X605": Code("unfit value", "The value has not the type or form that its consumer takes."),
    "X606": Code("listed twice", "Items of such a list are told apart by a key, and two have the same."),
    "X607": Code("no schema", "Nothing is known of the kind, so that only its metadata was checked. The API server knows more.", _INFO),
    "X608": Code("missing field", "The consumer refuses the object or file without the field."),
    "X609": Code("other version's schemas", "The schemas of that version of Kubernetes are not among those that are installed.", _WARNING),
    "X610": Code("name of an object", "Names of objects, their parts and keys have the forms of paths and host names."),
    "X611": Code("label or annotation", "Names have at most 63 signs, behind a DNS prefix if there is one; so have values of labels."),
    "X612": Code("quantity", "Amounts are a number and a suffix such as `m`, `Ki`, `M`, `Gi`; a request is not above its limit."),
    "X613": Code("selector", "A selector that does not match the labels of its own template is refused."),
    "X614": Code("port", "Ports lie between 1 and 65535, have names of at most 15 signs, and are referred to by names that exist."),
    "X615": Code("mount without a volume", "A container mounts only what its pod has."),
    "X616": Code("object twice", "Two objects of one kind, namespace and name: one replaces the other, and kustomize refuses "
                 "both.", _MOSTLY_ERROR),
    "X617": Code("object too large", "The API server takes 1 MiB, the Prometheus operator half of it, and kubectl keeps a copy of what "
                 "it applies in an annotation of at most 256 KiB, unless it applies on the server's side."),
    "X620": Code("PromQL", "Prometheus refuses the whole file, and the operator leaves the object out, if an expression is none."),
    "X621": Code("doubtful PromQL", "The expression parses, but gives no result or an error whenever it runs.", _MOSTLY_ERROR),
    "X622": Code("newer PromQL", "The parser that judges here does not know the form yet.", _INFO),
    "X623": Code("duration", "Durations are whole numbers with units in falling order, such as `1h30m`."),
    "X624": Code("regular expression", "Consumers read RE2, and do not start with an expression that is none."),
    "X625": Code("template", "Prometheus and Alertmanager refuse a template that they cannot read, or fail when they fill it in."),
    "X626": Code("name of a series or label", "Older readers take letters, digits and `_` only.", _MOSTLY_ERROR),
    "X627": Code("rule twice", "Groups of a file have names of their own, and two rules that write one series contradict each "
                 "other.", _MOSTLY_ERROR),
    "X628": Code("kind of rule", "A rule either records or alerts. Only alerts wait, keep firing and have annotations."),
    "X630": Code("Prometheus configuration", "Prometheus loads no file with such a job, target, relabelling or authentication."),
    "X631": Code("Alertmanager configuration", "Alertmanager does not load such a file, or an alert ends at nobody.", _MOSTLY_ERROR),
    "X632": Code("matcher", "A matcher is a label, one of `=`, `!=`, `=~`, `!~`, and a value in double quotes."),
    "X633": Code("Filebeat configuration", "Filebeat starts with much that it does not know, and then sends nothing."),
    "X634": Code("Collector configuration", "Pipelines name components that are there; what is there and not named does "
                 "nothing.", _MOSTLY_ERROR),
    "X640": Code("dashboard", "What Grafana tells dashboards apart by, and what it reads them as.", _MOSTLY_ERROR),
    "X641": Code("ids of a dashboard", "Panels, their queries and variables are told apart by ids."),
    "X642": Code("place of a panel", "The grid has 24 columns, and no two panels share a place."),
    "X643": Code("data source of one Grafana", "Another Grafana has no data source of that name, and every panel stays empty."),
    "X644": Code("unit", "Grafana prints a unit that it does not know behind each number, unscaled."),
    "X645": Code("unknown variable", "A query with a variable that the dashboard does not have finds nothing."),
    "X650": Code("missing file", "kustomize builds nothing if a file that it is to take in is missing."),
    "X651": Code("kustomization", "What kustomize refuses or will, and files that lie beside it and are applied by nobody.", _MOSTLY_ERROR),
    # W9xx write, link
    "W901": Code("cannot write", "The file system refused. What was staged is removed, what was replaced is put back: unless the "
                 "message says otherwise, the output folder is as it was."),
    "W902": Code("one file twice", "Two outputs have paths that differ only by case, which some disks cannot keep apart, or one is "
                 "a file where the other needs a folder."),
    "W903": Code("path outside the output folder", "An output's path must stay below the output folder."),
    "W904": Code("obstacle", "A link, a folder in place of a file or a file in place of a folder stands where an output belongs. "
                 "Links are never followed."),
    "W905": Code("foreign path in a list of files", "A committed list of files is untrusted: it may only name files of its own "
                 "service's folders."),
    "W906": Code("unreadable list of files", "Without its list of files a service's stale files cannot be told from foreign ones."),
    "W907": Code("changed by hand", "A file that is no longer compiled was edited since: deleting it would lose the edit.", _WARNING),
    "W908": Code("two writers", "One run at a time writes to an output folder."),
    "W912": Code("nothing compiled", "A run that produces nothing must not look like success."),
    "W913": Code("service without a spec", "Nothing is taken off a platform because a file was left out or cannot be read.", _WARNING),
    "W914": Code("foreign file", "A folder of the compiler holds files that no run of it has written, or that stayed since they were "
                 "changed by hand. They are never deleted.", _WARNING),
    "W915": Code("unfinished run", "A killed run left a journal by which the next one finishes its work. It lies among files that may be "
                 "committed, so it is untrusted: nothing is done if it names anything but outputs, or lacks what it needs."),
    "W917": Code("nothing to keep", "Who prunes says which services there are. A run that was given none, as when a path is mistyped, "
                 "would take every service off the platform."),
    "W910": Code("unreadable part", "A service's part comes from a repository and is checked like a spec."),
    "W911": Code("name claimed twice", "Two services claim a name that must be unique in an environment."),
    "W909": Code("too large", "The consumer refuses objects of this size. What can be divided has been: what is left is one dashboard, "
                 "one rule, or a ConfigMap that services share by a digest of their names, of which the platform has too few."),
    "W916": Code("nearly full", "A ConfigMap that services share takes only a few more of them. Their number follows from the platform's "
                 "`capacity`, never from the services themselves, so that none of them moves another: it is for the platform to raise.",
                 _WARNING),
}


def can_be_suppressed(code: str) -> bool:
    """Whether a comment in a spec may keep findings of a code quiet.

    What policy decides never (P409 apart: a platform's own backends, which its owners speak of in their own file), nor
    what is about outputs (X, W) or about such comments.
    """
    quiet = frozenset(CODES[code].levels) & {"warning", "info"}
    return bool(quiet) and (code[0] in "LVRST" or code == "P409") and code not in {"L022", "L023", "L024", "L025", "L026"}


def near(word: str) -> str:
    """The code that a word was meant to be, "" if it is like none: digits change places more often than they change."""
    said = word.upper()
    if said in CODES:
        return said
    swapped = [one for one in CODES if sorted(one) == sorted(said) and one[:1] == said[:1]]
    return next(iter(swapped or difflib.get_close_matches(said, CODES, 1)), "") if _CODE.fullmatch(said) else ""
