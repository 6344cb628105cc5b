"""The program that Filebeat runs on every entry before it leaves the node, in ECMAScript 5 (all that Beats has).

It is one file for all services, so that a better pattern changes one file; what differs is parameters in the inputs:
`content` (delete content keys), `drop` and `dropText` (keys of the service's own), `masks` (names). It never holds a
string of a spec. It works on the object that the parser puts under `json`, and on the text under `message`:

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
// Lines that go on with a stack trace after content was cut.
var TRACE = new RegExp("^(Traceback |During handling|The above exception|Caused by|goroutine |\\s+File \"|\\s+at |" +
  "[\\w.$]*(Error|Exception|Exit|Interrupt)\\b)");
// Objects of the Elastic Common Schema: a plain value under such a name would be refused by the index.
var OBJECTS = set("app client cloud container data_stream destination device dll dns ecs email error event faas file" +
  " gen_ai geo group hash host http interface kubernetes log network observer orchestrator organization os package pe" +
  " process registry related rule server service source span threat tls trace transaction url user user_agent volume" +
  " vulnerability");
// What only the shipper may say.
var OURS = set("@metadata @timestamp agent container data_stream ecs host input kubernetes orchestrator stream");

var dropped = {}, longest = 1, cuts = [], queries = [], masks = [];

function set(words) {
  var found = {};
  words.split(" ").forEach(function (word) { found[word] = true; });
  return found;
}

function plain(name) {
  return name.replace(/[_-]/g, "").toLowerCase();
}

function drop(names, text, query) {
  for (var i = 0; i < names.length; i++) {
    dropped[plain(names[i])] = true;
    longest = Math.max(longest, names[i].split(".").length);
  }
  cuts.push(new RegExp(text, "i"));
  queries.push(new RegExp(query, "gi"));
}

function register(params) {
  if (params.content) drop(CONTENT, CONTENT_TEXT, CONTENT_QUERY);
  if (params.drop) drop(params.drop, params.drop_text, params.drop_query);
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

function cut(line) {
  for (var i = 0; i < cuts.length; i++) {
    var found = cuts[i].exec(line);
    if (found) return cut(line.slice(0, found.index)) + (found[1] || found[2] || found[3]) + " " + REMOVED;
  }
  return line;
}

function clean(text) {
  if (cuts.length === 0) return mask(text);
  var kept = [], cutting = false;
  text.split("\n").forEach(function (line) {
    var shorter = cut(line);
    cutting = shorter !== line || (cutting && !TRACE.test(line));
    if (shorter === line && cutting) return;
    queries.forEach(function (query) { shorter = shorter.replace(query, "$1" + REMOVED); });
    kept.push(shorter);
  });
  return mask(kept.join("\n"));
}

function isDropped(path) {
  for (var n = 1; n <= longest && n <= path.length; n++) {
    if (dropped[path.slice(path.length - n).join(".")]) return true;
  }
  return false;
}

function isObject(value) {
  return Object.prototype.toString.call(value) === "[object Object]";
}

function credential(key) {
  for (var i = 0; i < masks.length; i++) {
    if (masks[i].keys && masks[i].keys.test(key)) return masks[i].shown;
  }
  return null;
}

function scrub(value, path) {
  if (typeof value === "string") return clean(value);
  if (typeof value === "number") {
    var shown = String(value), masked = mask(shown);
    return masked === shown ? value : masked;
  }
  if (value === null || typeof value !== "object") return value;
  Object.keys(value).forEach(function (key) {
    var here = isObject(value) ? path.concat(key.split(".").map(plain)) : path;
    for (var n = path.length + 1; n <= here.length; n++) {
      if (isDropped(here.slice(0, n))) { delete value[key]; return; }
    }
    var old = value[key], now = isObject(value) && old !== null && credential(key) || scrub(old, here);
    if (now !== old) value[key] = now;
  });
  return value;
}

function move(event, from, to, value) {
  var root = to.split(".")[0], whole = root === to;
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
    if (!event.Rename("msg", "message")) event.Rename("app.event", "message");
    said = event.Get("message");
  }
  if (said !== null && typeof said !== "string") event.Put("message", JSON.stringify(said));
  if (rest) event.Put(event.Get("error.stack_trace") === null ? "error.stack_trace" : "app.text", rest);
}

function process(event) {
  var fields = event.Get("json"), text = event.Get("message");
  if (text !== null) text = clean(String(text));
  event.Delete("message");
  if (fields !== null) {
    scrub(fields, []);
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
    names = privacy.CONTENT_KEYS
    return encode.javascript({
        "CONTENT": list(names), "CONTENT_TEXT": privacy.in_text(names), "CONTENT_QUERY": privacy.in_query(names),
        "CREDENTIAL_KEYS": privacy.CREDENTIAL_KEYS,
        "MASKS": {name: privacy.MASKS[name].pattern for name in privacy.ORDER},
    }, _PROGRAM)


def parameters(drop: tuple[str, ...], masks: tuple[str, ...]) -> dict[str, object]:
    """What an input tells the program: keys that content has in any case are named once, in the program."""
    own = [name for name in drop if name not in privacy.CONTENT_KEYS]
    said: dict[str, object] = {"content": set(privacy.CONTENT_KEYS) <= set(drop)}
    if not said["content"]:
        own = list(drop)
    if own:
        said |= {"drop": own, "drop_text": encode.beats(privacy.in_text(own)),
                 "drop_query": encode.beats(privacy.in_query(own))}
    return {**said, "masks": list(masks)} if masks else said
