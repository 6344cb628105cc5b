"""What must not leave a service: the content of prompts and answers, and private values in free text.

Content is deleted by key (a pattern misses names and addresses), private values are masked by pattern. The two
together are on for every service unless the platform's policy lets a spec switch them off.

Every expression here is read by three engines (RE2 in the Collector and Filebeat's parsers, ECMAScript 5 in
Filebeat's script, Python in tests), so it keeps to what they share: no look-around, no flags inside.
"""

from __future__ import annotations

from obsc.ir import Mask

# Keys of structured logs that carry what users wrote or models answered, in any case and with or without separators
# (`systemPrompt` is `system_prompt`). Counts (input_tokens, prompt_tokens) and durations are not content.
CONTENT_KEYS: tuple[str, ...] = (
    "answer", "assistant_message", "chat_history", "chat_messages", "completion", "completion_text", "completions",
    "content", "context", "conversation", "document_text", "documents", "final_prompt", "full_prompt", "function_call",
    "gen_ai.completion", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt",
    "gen_ai.system_instructions", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.tool.definitions",
    "generated_text", "generated_texts", "input", "input_ids", "input_text", "inputs", "instructions", "messages",
    "negative_prompt", "output", "output_ids", "output_text", "outputs", "prompt", "prompt_text", "prompt_token_ids",
    "prompts", "query", "question", "raw_prompt", "reasoning_content", "request_body", "response_body", "response_text",
    "system_instructions", "system_prompt", "token_ids", "tool_arguments", "tool_calls", "tool_result", "transcript",
    "user_input", "user_message", "user_prompt", "user_query",
)
# In a text, the place where content begins: group 1 is what stands before and may stay. To be matched without regard to
# case. A count (`prompt: 12, …`) is no content.
CONTENT_IN_TEXT = (r"((?:^|[^A-Za-z0-9_-])[A-Za-z0-9_.]*(?:prompts?|completions?|messages|system_instructions"
                   r"|user_(?:input|query)|(?:input|output|generated|prompt)_text|(?:request|response)_body|tool_(?:calls|arguments|result))"
                   r"\\*[\"']?\s*[:=]\s*)(?:[^\s0-9]|[0-9][0-9.%]*\s*[A-Za-z])")

# Attributes of spans and their events, as anchored RE2 expressions. OpenTelemetry's content attributes under all the
# names they had (semantic-conventions-genai and its predecessors), OpenInference, Traceloop, Langfuse, MLflow, the AI
# SDK, and the plain keys that instrumentations write. Sizes and counts (http.request.body.size) stay.
CONTENT_ATTRIBUTES: tuple[str, ...] = (
    r"^gen_ai\.(input|output)\.messages(\..*)?$",
    r"^gen_ai\.(prompt|completion|system_instructions)(\..*)?$",
    r"^gen_ai\.tool\.(definitions|description|message|call\.(arguments|result))(\..*)?$",
    r"^gen_ai\.(content|event\.content|evaluation\.explanation|retrieval\.(query|documents))(\..*)?$",
    r"^gen_ai\.(request|response)\.(messages|prompt|input|content|text|output)(\..*)?$",
    r"^llm\.(prompts|completions|(input|output|request)[._]messages|response\.content)(\..*)?$",
    r"^llm\.(prompt_template|function_call|tools)(\..*)?$",
    r"^(input|output)\.(value|text|messages)$",
    r"^(retrieval|reranker)\.((input_|output_)?documents|query)(\..*)?$",
    r"^embedding\.(text|embeddings(\..*)?)$",
    r"^document\.content$",
    r"^tool\.(parameters|output|result)(\..*)?$",
    r"^traceloop\.(entity|prompt)\..*(input|output|template|variables).*$",
    r"^langfuse\.(observation|trace)\.(input|output)$",
    r"^mlflow\.span(Inputs|Outputs)$",
    r"^ai\.(prompt|response)(\.(messages|text|object|toolCalls|tools|reasoning|format|files).*)?$",
    r"^ai\.(toolCall\.(args|result)|value|values|schema)$",
    r"^(([A-Za-z0-9]+_)*(prompt|completion)|prompts|completions|messages|chat_(messages|history))$",
    r"^(inputs?|outputs?|query|question|answer|transcript|conversation|documents|content)(_(text|body|json))?$",
    r"^(prompt|completion|request|response)_(text|body|content|json)$",
    r"^http\.(request|response)\.body(\.(content|text))?$",
    r"^(rpc|messaging)\.message\.(body|payload)$",
)
# Of an event that GenAI instrumentations emit for a message, only these attributes stay.
EVENT_NAMES = r"^gen_ai\."
EVENT_ATTRIBUTES = (r"^(gen_ai\.(system|(provider|operation)\.name|(request|response)\.(model|id)|usage\..*)"
                    r"|id|index|role|finish_reason)$")
# Keys whose value is a credential, whatever it looks like. Not every token: token counts are measurements.
CREDENTIAL_KEYS = (r"^(.*[._-])?(authorization|password|passwd|secret|cookie|api[._-]?key|(private|access|secret)[._-]?key"
                   r"|(access|auth|refresh|id|session|bearer)[._-]?token)$")

# Countries with bank account numbers of this form (ISO 13616): others would make every upper-case word suspect.
_IBAN = (r"(?:A[DELTZ]|B[AEGHIRY]|C[HRYZ]|D[EJKO]|E[EGS]|F[IKOR]|G[BEILRT]|H[NRU]|I[ELQRST]|JO|K[WZ]|L[BCITUVY]"
         r"|M[CDEKNRTU]|N[ILO]|OM|P[KLST]|QA|R[OSU]|S[ACDEIKMOTV]|T[LNR]|UA|V[AG]|XK|YE)[0-9]{2}")
_NOT_LOCAL = r"\s@:;,\"'<>()\[\]{}=/\\|"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"

_SECRETS = (
    r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{20,}",                                         # model providers, payment
    r"\bhf_[A-Za-z0-9]{20,}",
    r"\bnvapi-[A-Za-z0-9_-]{20,}",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    r"\bA(?:KI|SI)A[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    r"\bgithub_pat_[A-Za-z0-9_]{30,}",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
    r"hooks\.slack\.com/services/[A-Za-z0-9/_-]+",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",                    # a JSON web token
    r"\b[Bb](?:earer|asic) +[A-Za-z0-9._~+/=-]{8,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
    r"://[^/\s:@]+:[^/\s@]+@",                                                       # user and password of an address
    (r"\b[A-Za-z0-9_.-]*(?:[Pp]assw(?:or)?d|PASSWO?R?D|[Ss]ecret|SECRET|[Aa]pi[_-]?[Kk]ey|API_?KEY|[Aa]ccess[_-]?[Kk]ey"
     r"|ACCESS_KEY|[Aa](?:uth|ccess)[_-]?[Tt]oken)[\"']?\s*[:=]\s*[\"']?[^\s\"',;&]{6,}"),
)
MASKS: dict[str, Mask] = {
    "secret": Mask("secret", "|".join(_SECRETS)),
    "email": Mask("email", rf"[^{_NOT_LOCAL}]+@[^{_NOT_LOCAL}]*\.[^{_NOT_LOCAL}0-9.]{{2,}}"),
    "iban": Mask("iban", rf"\b{_IBAN}(?:[ -]?[A-Z0-9]{{4}}){{2}}(?:[ -]?[A-Z0-9]{{3}}|(?:[ -]?[A-Z0-9]{{4}}){{1,5}}"
                         r"(?:[ -]?[A-Z0-9]{1,3})?)\b"),
    # Visa, Mastercard, Discover, JCB, UnionPay, American Express, Diners: the separators that people type, and first
    # digits that the issuers have (ISO/IEC 7812), so that epoch times and counters are none. All groups are separated or
    # none is.
    "card": Mask("card", r"\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2(?:2[2-9]|[3-6][0-9]|7[01])[0-9]"
                         r"|6(?:011|22[0-9]|4[4-9][0-9]|5[0-9]{2})|35[2-8][0-9])"
                         r"(?:[0-9]{12}(?:[0-9]{3})?|(?:[ -][0-9]{4}){3}(?:[ -][0-9]{3})?)\b"
                         r"|\b3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}\b"
                         r"|\b3(?:0[0-5]|[68][0-9])[0-9][ -]?[0-9]{6}[ -]?[0-9]{4}\b"),
    # With a country code, or in a separated national form: bare digits are counters, ids and times.
    "phone": Mask("phone", r"\+[1-9][0-9]{0,2}[ .-]?(?:\([0-9]{1,4}\)[ .-]?)?[0-9]{1,4}(?:[ ./-]?[0-9]{2,4}){2,4}\b"
                           r"|\b00[1-9][0-9]{0,2}[ .-]\(?[0-9]{1,4}\)?(?:[ .-]?[0-9]{2,4}){2,4}\b"
                           r"|\([0-9]{3}\) ?[0-9]{3}[ .-][0-9]{4}\b|\b[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}\b"),
    "ip": Mask("ip", rf"\b{_OCTET}(?:\.{_OCTET}){{3}}\b|\b(?:[0-9A-Fa-f]{{1,4}}:){{7}}[0-9A-Fa-f]{{1,4}}\b"
                     r"|\b(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}\b"),
}
# Long forms first: a card number must not be half eaten by the pattern of a phone number.
ORDER: tuple[str, ...] = ("secret", "email", "iban", "card", "phone", "ip")
# What is masked wherever services share a pipeline: the language's default of `redact`.
USUAL_MASKS: tuple[str, ...] = ("secret", "email", "iban", "card", "phone")
