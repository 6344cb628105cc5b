"""The program that Filebeat runs on every entry before it leaves the node, in ECMAScript 5 (all that Beats has).

It is one file for all services, so that a better pattern changes one file; what differs is parameters in the inputs:
`content` (delete content keys), `drop` (keys of the service's own), `masks` (names). It holds no string of a spec. It works
on the object that the parser puts under `json`, and on the text under `message`:

- a key that is dropped goes at any depth, however it is written (`systemPrompt`, `system_prompt`, `a.b` or nested);
- a text, and a line of JSON that could not be parsed, is cut where a value of such a key begins; what follows goes too,
  up to the next line of a stack trace;
- every text and number is masked; values of keys that name a credential are masked whole;
- the object is spread over the event without touching what Filebeat says itself, and without a plain value where the
  Elastic Common Schema has an object (the index would refuse the entry): such values move below `app`.

Only an entry that came through to the end gets the mark that lets the rest of the pipeline keep its fields.
"""

from __future__ import annotations

from obsc import encode, privacy

# Field of an entry that was worked on to the end.
MARK = "@metadata.redacted"

_PROGRAM = r"""
var REMOVED = "[content removed]";
// The index takes no more than twenty levels; a deeper structure is no log entry but a payload.
var DEEPEST = 16;
// Lines that go on with a stack trace after content was cut.
var TRACE = new RegExp("^(Traceback |During handling|The above exception|Caused by|goroutine |\\s+File \"|\\s+at |" +
  "[\\w.$]*(Error|Exception|Exit|Interrupt)\\b)");
// Names that the Elastic Common Schema, or this pipeline, gives to objects: the index would refuse a plain value there.
var OBJECTS = set("app client cloud container deployment destination error event file gen_ai geo host http k8s log network" +
  " process server service source span trace transaction url user user_agent");
// What only the shipper may say.
var OURS = set("@metadata @timestamp agent container data_stream ecs host input kubernetes orchestrator stream");

// A name before a colon or an equals sign, and what stands after it.
var KEY = /(\\*["'])?([A-Za-z_@][A-Za-z0-9_.@-]*)(\\*["'])?\s*([:=])\s*/g;
var OPENING = /^[rbufRBUF]{0,2}\\*["'`\[{(<]/;
var COUNT = /^(-?[0-9][0-9.%]*|None|null|true|false)\s*([,;)\]}|&]|$)/;
// Names that mean content whatever they begin with, and however their value is written.
var TELLING = /(prompts?|completions?|^messages)$/;

var content = false, dropped = {}, longest = 0, masks = [];

function set(words) {
  var found = {};
  words.split(" ").forEach(function (word) { found[word] = true; });
  return found;
}

function plain(name) {
  return name.replace(/[_-]/g, "").toLowerCase();
}

function drop(names) {
  for (var i = 0; names && i < names.length; i++) {
    dropped[plain(names[i])] = true;
    longest = Math.max(longest, names[i].split(".").length);
  }
}

function register(params) {
  content = params.content === true;
  if (content) drop(CONTENT);
  drop(params.drop);
  for (var i = 0; params.masks && i < params.masks.length; i++) {
    if (!MASKS[params.masks[i]]) throw new Error("unknown mask");
    masks.push({pattern: new RegExp(MASKS[params.masks[i]], "g"), shown: "[redacted:" + params.masks[i] + "]",
                keys: params.masks[i] === "secret" ? new RegExp(CREDENTIAL_KEYS, "i") : null});
  }
}

function mask(text) {
  masks.forEach(function (one) { text = text.replace(one.pattern, one.shown); });
  return text;
}

// A line up to the first value of a dropped key; a value in a query, or without a space, goes alone.
function cut(line) {
  var found, structured = /^\s*\{/.test(line);
  KEY.lastIndex = 0;
  while ((found = KEY.exec(line)) !== null) {
    var at = found.index + found[0].length, rest = line.slice(at), before = line.charAt(found.index - 1);
    var path = found[2].split(".").map(plain), telling = content && TELLING.test(path[path.length - 1]);
    if (!telling && !within(path, 0)) continue;
    var query = found[4] === "=" && (before === "?" || before === "&");
    var whole = structured || (found[1] && found[3]) || OPENING.test(rest) || (telling && !COUNT.test(rest));
    if (whole && !query) return line.slice(0, at).replace(/\s+$/, "") + " " + REMOVED;
    if (found[4] !== "=" || rest === "" || COUNT.test(rest)) continue;
    var end = rest.search(/[\s&,;"')\]}]/);
    line = line.slice(0, at) + REMOVED + (end < 0 ? "" : rest.slice(end));
    KEY.lastIndex = at + REMOVED.length;
  }
  return line;
}

function clean(text) {
  if (!content && longest === 0) return mask(text);
  var kept = [], cutting = false;
  text.split("\n").forEach(function (line) {
    var shorter = cut(line), ended = shorter.slice(-REMOVED.length) === REMOVED && shorter !== line;
    cutting = ended || (cutting && !TRACE.test(line));
    if (ended || !cutting) kept.push(shorter);
  });
  return mask(kept.join("\n"));
}

function isDropped(path) {
  for (var n = 1; n <= longest && n <= path.length; n++) {
    if (dropped[path.slice(path.length - n).join(".")]) return true;
  }
  return false;
}

// Whether a path, or one that it lies in, is dropped; what lies above `from` was looked at before.
function within(path, from) {
  for (var n = from + 1; n <= path.length; n++) {
    if (isDropped(path.slice(0, n))) return true;
  }
  return false;
}

function isObject(value) {
  return Object.prototype.toString.call(value) === "[object Object]";
}

function empty(value) {
  return isObject(value) && Object.keys(value).length === 0;
}

function credential(key) {
  for (var i = 0; i < masks.length; i++) {
    if (masks[i].keys && masks[i].keys.test(key)) return masks[i].shown;
  }
  return null;
}

function scrub(value, path, depth) {
  if (typeof value === "string") return clean(value);
  if (typeof value === "number") {
    var shown = String(value), masked = mask(shown);
    return masked === shown ? value : masked;
  }
  if (value === null || typeof value !== "object") return value;
  if (depth > DEEPEST) return REMOVED;
  Object.keys(value).forEach(function (key) {
    var here = isObject(value) ? path.concat(key.split(".").map(plain)) : path;
    var written = typeof value[key] === "string" || typeof value[key] === "object";
    if (within(here, path.length) || (content && written && here.length > path.length && TELLING.test(here[here.length - 1]))) {
      delete value[key];
      return;
    }
    var old = value[key], now = isObject(value) && old !== null && credential(key) || scrub(old, here, depth + 1);
    if (now !== old) value[key] = now;
  });
  return value;
}

function move(event, from, to, value) {
  var parts = to.split("."), root = parts[0], whole = parts.length === 1;
  if (parts.indexOf("") >= 0) return;
  if (OURS[root] || (whole && OBJECTS[root] && !isObject(value))) to = "app." + to;
  if (event.Rename(from, to)) return;
  if (isObject(value)) {
    Object.keys(value).sort().forEach(function (key) { move(event, from + "." + key, to + "." + key, value[key]); });
  } else {
    event.Rename(from, "app." + to);
  }
}

function spread(event, fields, rest) {
  Object.keys(fields).sort().forEach(function (key) { move(event, "json." + key, key, fields[key]); });
  event.Delete("json");
  var said = event.Get("message");
  if (said === null) {
    if (!event.Rename("msg", "message") && event.Rename("app.event", "message") && empty(event.Get("app"))) event.Delete("app");
    said = event.Get("message");
  }
  if (said !== null && typeof said !== "string") event.Put("message", JSON.stringify(said));
  if (rest) event.Put(event.Get("error.stack_trace") === null ? "error.stack_trace" : "app.text", rest);
}

// Docker's own format keeps each line's end, so that joined lines have two between them.
function joined(text) {
  return text.slice(-1) === "\n" ? text.replace(/\n+$/, "").split("\n\n").join("\n") : text;
}

function process(event) {
  var fields = event.Get("json"), text = event.Get("message");
  if (text !== null) text = clean(joined(String(text)));
  event.Delete("message");
  if (fields !== null) {
    scrub(fields, [], 1);
    spread(event, fields, text);
  } else if (text) {
    event.Put("message", text);
  } else {
    event.Cancel();
  }
  event.Put("@metadata.redacted", true);
}
"""


def program() -> str:
    """The file: the patterns of `privacy`, and the program that uses them."""
    return encode.javascript({
        "CONTENT": list(privacy.CONTENT_KEYS), "CREDENTIAL_KEYS": privacy.CREDENTIAL_KEYS,
        "MASKS": {name: privacy.MASKS[name].pattern for name in privacy.ORDER},
    }, _PROGRAM)


def parameters(drop: tuple[str, ...], masks: tuple[str, ...]) -> dict[str, object]:
    """What an input tells the program: content keys are named once, in the program, and the service's own here."""
    content = set(privacy.CONTENT_KEYS) <= set(drop)
    own = [encode.beats(name) for name in drop if not (content and name in privacy.CONTENT_KEYS)]
    return {"content": content, **({"drop": own} if own else {}), **({"masks": list(masks)} if masks else {})}
