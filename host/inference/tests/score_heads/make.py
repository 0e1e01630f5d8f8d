#!/usr/bin/env python3
"""Writes what transformers itself says of the models in `models.json`, whose weights are made from their tensors' names.

    pip install torch transformers
    python3 make.py          # writes expected.json, and tokenizer.json and tokenizer_config.json that the test uses

The test (`../score_heads.rs`) makes the same weights and compares.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "examples"))

from random_model import tokenizer  # noqa: E402

MASK = (1 << 64) - 1

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

CONVERSATIONS = [
    [{"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": "4"}],
    [{"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": "5, as everybody knows."}],
    [{"role": "system", "content": "Grade strictly."}, {"role": "user", "content": "Übung macht den 大师."}],
    # Longer than the sliding window of every model that has one.
    [{"role": "user", "content": "Count. " * 12}, {"role": "assistant", "content": "1, 2, 3, " * 9}],
]


def numbers(name, count):
    """Numbers from -1 to 1 (excluded): splitmix64 of the FNV-1a hash of the name, plus the position."""
    hashed = 0xCBF29CE484222325
    for byte in name.encode():
        hashed = ((hashed ^ byte) * 0x100000001B3) & MASK
    for position in range(count):
        z = (hashed + position * 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield ((z ^ (z >> 31)) >> 40) / 2**23 - 1


def tensor(name, shape, gemma):
    values = torch.tensor(list(numbers(name, shape.numel())), dtype=torch.float64)
    if name.endswith("norm.weight"):
        values = values / 10 + (0 if gemma else 1)
    elif name.endswith(".bias"):
        values = values / 10
    else:
        values = values * 2 / shape[-1] ** 0.5
    return values.to(torch.float32).reshape(shape)


def scores(kind, config, text):
    architecture = config["architectures"][0]
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "config.json").write_text(json.dumps(config))
        loaded = transformers.AutoConfig.from_pretrained(directory)
    loaded._attn_implementation = "eager"
    model = getattr(transformers, architecture)(loaded).eval()
    state = {name: tensor(name, value.shape, kind == "gemma2") for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    shapes = {name: list(value.shape) for name, value in state.items()}
    found = []
    for conversation in CONVERSATIONS:
        tokens = text.apply_chat_template(conversation, tokenize=True, return_dict=False, return_tensors="pt")
        with torch.no_grad():
            found.append({"tokens": tokens.shape[1], "score": model(tokens).logits[0, 0].item()})
    return shapes, found


def main():
    (HERE / "tokenizer.json").write_text(json.dumps(tokenizer(272), ensure_ascii=False), encoding="utf-8")
    settings = {"chat_template": TEMPLATE, "eos_token": "<|im_end|>", "bos_token": None, "unk_token": None,
                "tokenizer_class": "PreTrainedTokenizerFast"}
    (HERE / "tokenizer_config.json").write_text(json.dumps(settings, indent=1))
    text = transformers.AutoTokenizer.from_pretrained(HERE)
    models = json.loads((HERE / "models.json").read_text())
    expected = {"made_with": f"transformers {transformers.__version__}, torch {torch.__version__}",
                "conversations": CONVERSATIONS, "models": {}}
    for kind, config in models.items():
        shapes, found = scores(kind, config, text)
        expected["models"][kind] = {"tensors": shapes, "scores": found}
        print(kind, found)
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
