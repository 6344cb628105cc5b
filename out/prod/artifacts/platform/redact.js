var CONTENT = ["answer", "assistant_message", "chat_history", "chat_messages", "completion", "completion_text", "completions", "content", "context", "conversation", "document_text", "documents", "final_prompt", "full_prompt", "function_call", "gen_ai.completion", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.system_instructions", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.tool.definitions", "generated_text", "generated_texts", "input", "input_ids", "input_text", "inputs", "instructions", "messages", "negative_prompt", "output", "output_ids", "output_text", "outputs", "prompt", "prompt_text", "prompt_token_ids", "prompts", "query", "question", "raw_prompt", "reasoning_content", "request_body", "response_body", "response_text", "system_instructions", "system_prompt", "token_ids", "tool_arguments", "tool_calls", "tool_result", "transcript", "user_input", "user_message", "user_prompt", "user_query"];
var CREDENTIAL_KEYS = "^(.*[._-])?(authorization|password|passwd|secret|cookie|api[._-]?key|(private|access|secret)[._-]?key|(access|auth|refresh|id|session|bearer)[._-]?token)$";
var MASKS = {"secret": "\\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{20,}|\\bhf_[A-Za-z0-9]{20,}|\\bnvapi-[A-Za-z0-9_-]{20,}|\\bAIza[A-Za-z0-9_-]{30,}|\\bA(?:KI|SI)A[0-9A-Z]{16}\\b|\\bgh[pousr]_[A-Za-z0-9]{30,}|\\bgithub_pat_[A-Za-z0-9_]{30,}|\\bglpat-[A-Za-z0-9_-]{20,}|\\bxox[abeprs]-[A-Za-z0-9-]{10,}|hooks\\.slack\\.com/services/[A-Za-z0-9/_-]+|\\beyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]*|\\b[Bb](?:earer|asic) +[A-Za-z0-9._~+/=-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\\s\\\\]*(?:-----END [A-Z ]*PRIVATE KEY-----)?|://[^/\\s:@]+:[^/\\s@]+@|\\b[A-Za-z0-9_.-]*(?:[Pp]assw(?:or)?d|PASSWO?R?D|[Ss]ecret|SECRET|[Aa]pi[_-]?[Kk]ey|API_?KEY|[Aa]ccess[_-]?[Kk]ey|ACCESS_KEY|[Aa](?:uth|ccess)[_-]?[Tt]oken)[\\\"']?\\s*[:=]\\s*[\\\"']?[^\\s\\\"',;&]{6,}", "email": "[^\\s@:;,\\\"'<>()\\[\\]{}=/\\\\|]+@[^\\s@:;,\\\"'<>()\\[\\]{}=/\\\\|]*\\.[^\\s@:;,\\\"'<>()\\[\\]{}=/\\\\|0-9.]{2,}", "iban": "\\b(?:A[DELTZ]|B[AEGHIRY]|C[HRYZ]|D[EJKO]|E[EGS]|F[IKOR]|G[BEILRT]|H[NRU]|I[ELQRST]|JO|K[WZ]|L[BCITUVY]|M[CDEKNRTU]|N[ILO]|OM|P[KLST]|QA|R[OSU]|S[ACDEIKMOTV]|T[LNR]|UA|V[AG]|XK|YE)[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2}(?:[ -]?[A-Z0-9]{3}|(?:[ -]?[A-Z0-9]{4}){1,5}(?:[ -]?[A-Z0-9]{1,3})?)\\b", "card": "\\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2(?:2[2-9]|[3-6][0-9]|7[01])[0-9]|6(?:011|22[0-9]|4[4-9][0-9]|5[0-9]{2})|35[2-8][0-9])(?:[0-9]{12}(?:[0-9]{3})?|(?:[ -][0-9]{4}){3}(?:[ -][0-9]{3})?)\\b|\\b3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}\\b|\\b3(?:0[0-5]|[68][0-9])[0-9][ -]?[0-9]{6}[ -]?[0-9]{4}\\b", "phone": "\\+[1-9][0-9]{0,2}[ .-]?(?:\\([0-9]{1,4}\\)[ .-]?)?[0-9]{1,4}(?:[ ./-]?[0-9]{2,4}){2,4}\\b|\\b00[1-9][0-9]{0,2}[ .-]\\(?[0-9]{1,4}\\)?(?:[ .-]?[0-9]{2,4}){2,4}\\b|\\([0-9]{3}\\) ?[0-9]{3}[ .-][0-9]{4}\\b|\\b[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}\\b", "ip": "\\b(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}\\b|\\b(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\\b|\\b(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}\\b"};

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
