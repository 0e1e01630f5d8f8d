//! The chat templates that can be named instead of giving a file: the usual format of a family of models.
//!
//! Models differ in details (a default system prompt, a date), and a text that differs in a detail is refused. So where
//! the model's own `tokenizer_config.json` is at hand, it is the better choice.

/// A template and its special tokens.
pub(super) struct Builtin {
    /// How it is named in the configuration.
    pub(super) name: &'static str,
    pub(super) template: &'static str,
    pub(super) bos: &'static str,
    pub(super) eos: &'static str,
}

/// Qwen, Yi, InternLM and most others that speak ChatML; no default system prompt.
const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n\
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{{ '' }}{% endif %}";

/// Llama 3; its turns are trimmed.
const LLAMA_3: &str = "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n\
{{ message.content | trim }}<|eot_id|>{% endfor %}\
{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{{ '' }}{% endif %}";

/// Mistral 7B and Mixtral instruct; no system turn.
const MISTRAL: &str = "{{ bos_token }}{% for message in messages %}{% if message.role == 'user' %}\
{{ '[INST] ' + message.content + ' [/INST]' }}{% elif message.role == 'assistant' %}\
{{ ' ' + message.content + eos_token }}{% else %}{{ raise_exception('only user and assistant turns') }}{% endif %}\
{% endfor %}";

/// Gemma 1 to 3; its turns are trimmed, and a system turn becomes the first lines of the user's.
const GEMMA: &str = "{{ bos_token }}{% if messages[0].role == 'system' %}{% set preface = messages[0].content + '\n\n' %}\
{% set turns = messages[1:] %}{% else %}{% set preface = '' %}{% set turns = messages %}{% endif %}\
{% for message in turns %}{{ '<start_of_turn>' + ('model' if message.role == 'assistant' else message.role) + '\n' }}\
{{ preface if loop.first else '' }}{{ message.content | trim }}{{ '<end_of_turn>\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}";

/// DeepSeek V2.5 to V3.1 without tools; a system turn stands bare before the first user turn, which its marker opens.
const DEEPSEEK: &str = "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}{{ message.content }}\
{% elif message.role == 'user' %}{{ '<｜User｜>' + message.content }}{% else %}\
{{ '<｜Assistant｜>' + message.content + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}\
{% if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}";

/// Zephyr and other models of its recipe.
const ZEPHYR: &str = "{% for message in messages %}{{ '<|' + message.role + '|>\n' + message.content + eos_token + '\n' }}\
{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}";

/// Phi-3 and 3.5.
const PHI_3: &str = "{% for message in messages %}{{ '<|' + message.role + '|>\n' + message.content + '<|end|>\n' }}\
{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}";

/// Every built-in format.
pub(super) const ALL: [Builtin; 7] = [
    Builtin { name: "chatml", template: CHATML, bos: "", eos: "<|im_end|>" },
    Builtin {
        name: "deepseek", template: DEEPSEEK, bos: "<｜begin▁of▁sentence｜>", eos: "<｜end▁of▁sentence｜>"
    },
    Builtin { name: "gemma", template: GEMMA, bos: "<bos>", eos: "<eos>" },
    Builtin { name: "llama-3", template: LLAMA_3, bos: "<|begin_of_text|>", eos: "<|eot_id|>" },
    Builtin { name: "mistral", template: MISTRAL, bos: "<s>", eos: "</s>" },
    Builtin { name: "phi-3", template: PHI_3, bos: "<s>", eos: "<|endoftext|>" },
    Builtin { name: "zephyr", template: ZEPHYR, bos: "<s>", eos: "</s>" },
];
