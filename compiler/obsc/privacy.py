"""What must not leave a service: the content of prompts and answers, and private values in free text.

Content is deleted by key (a pattern misses names and addresses), private values are masked by pattern. The two
together are on for every service unless the platform's policy lets a spec switch them off.
"""

from __future__ import annotations

from obsc.ir import Mask

# Keys of structured logs that carry what users wrote or models answered. Counts (input_tokens) are not content.
CONTENT_KEYS: tuple[str, ...] = (
    "answer", "chat_history", "completion", "completions", "content", "context", "conversation", "documents",
    "gen_ai.completion", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.tool.definitions", "generated_text", "input",
    "input_text", "inputs", "instructions", "messages", "output", "output_text", "outputs", "prompt", "prompt_text",
    "prompts", "query", "question", "request_body", "response_body", "response_text", "system_prompt", "tool_arguments",
    "tool_result", "user_input",
)
# Attributes of spans and their events, as anchored RE2 expressions. OpenTelemetry's content attributes under all the
# names they had, and the plain keys that instrumentations write.
CONTENT_ATTRIBUTES: tuple[str, ...] = (
    r"^gen_ai\.(input|output)\.messages(\..*)?$",
    r"^gen_ai\.(prompt|completion)(\..*)?$",
    r"^gen_ai\.(system_instructions|tool\.definitions|tool\.call\.(arguments|result))(\..*)?$",
    r"^gen_ai\.(content|event\.content|evaluation\.explanation).*$",
    r"^llm\.(prompts|completions|input_messages|output_messages|prompt_template\.variables)(\..*)?$",
    r"^(input|output)\.value$",
    r"^traceloop\.entity\.(input|output)$",
    r"^(prompt|prompts|completion|completions|messages|inputs?|outputs?|query|question|answer)(_text|_body)?$",
    r"^http\.(request|response)\.body(\..*)?$",
)

MASKS: dict[str, Mask] = {
    "secret": Mask("secret", r"(sk|pk|rk)-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}"
                   r"|xox[abprs]-[A-Za-z0-9-]{10,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
                   r"|[Bb]earer +[A-Za-z0-9._~+/=-]{8,}"),
    "email": Mask("email", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
    # Visa, Mastercard, American Express, Discover: the separators that people type, and a first digit that is theirs.
    "card": Mask("card", r"\b(4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6011|65[0-9]{2})[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b"
                 r"|\b3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}\b"),
    "iban": Mask("iban", r"\b[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{4}){3,7}( ?[A-Z0-9]{1,3})?\b"),
    # With a country code or in the separated national form: bare digits are counters, ids and times.
    "phone": Mask("phone", r"\+[1-9][0-9]{0,2}[ .-]?(\([0-9]{1,4}\)[ .-]?)?[0-9]{2,4}([ .-]?[0-9]{2,4}){2,4}\b"
                  r"|\(\d{3}\) ?\d{3}[ .-]\d{4}\b"),
    "ip": Mask("ip", r"\b(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}\b"),
}
# Long forms first: a card number must not be half eaten by the pattern of a phone number.
ORDER: tuple[str, ...] = ("secret", "email", "iban", "card", "phone", "ip")
