#!/usr/bin/env python3
"""Makes a model of a given shape with random weights, and runs the engine's benchmark on it.

Needs Python with torch and nothing else: tokenizer, chat template and file format are written here.

    python3 random_model.py --shape qwen3-8b --out /dev/shm/model --run ./engine_bench
"""

import argparse
import json
import struct
import subprocess
import sys
from pathlib import Path

# hidden, intermediate, layers, heads, heads of keys and values, vocabulary
SHAPES = {
    "qwen3-8b": (4096, 12288, 36, 32, 8, 151936),
    "qwen3-1.7b": (2048, 6144, 28, 16, 8, 151936),
    "tiny": (64, 128, 2, 4, 2, 512),
}
HEAD = 128


def byte_characters():
    """The characters that byte-level tokenizers write bytes with."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (byte for byte in range(256) if byte not in plain)
    return [chr(byte) for byte in plain] + [chr(256 + n) for n, _ in enumerate(others)]


def tokenizer(size):
    """A tokenizer with a token for each byte; the rest of the vocabulary is filled up with texts that nobody writes."""
    vocabulary = {character: n for n, character in enumerate(byte_characters())}
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    fillers = size - len(vocabulary) - len(special)
    vocabulary.update({f"zq{n:x}": len(vocabulary) + n for n in range(fillers)})
    added = [
        {"id": len(vocabulary) + n, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for n, text in enumerate(special)
    ]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
             "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "vocab": vocabulary, "merges": []}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": level, "post_processor": None, "decoder": level, "model": model}


def configuration(shape, architecture="Qwen3ForCausalLM", model_type="qwen3"):
    hidden, intermediate, layers, heads, key_heads, vocabulary = shape
    head = min(HEAD, hidden // heads)
    return {
        "architectures": [architecture], "model_type": model_type, "hidden_act": "silu", "hidden_size": hidden,
        "intermediate_size": intermediate, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": key_heads, "head_dim": head, "vocab_size": vocabulary, "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0, "max_position_embeddings": 40960, "tie_word_embeddings": False,
        "attention_bias": False, "use_sliding_window": False, "sliding_window": None, "max_window_layers": layers,
        "eos_token_id": vocabulary - 1, "bos_token_id": vocabulary - 3, "torch_dtype": "bfloat16",
    }


def tensors(config):
    """Names and shapes; ones for norms, random numbers for the rest."""
    hidden, intermediate = config["hidden_size"], config["intermediate_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    yield "model.embed_tokens.weight", (config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for name, rows, columns in [("q", queries, hidden), ("k", keys, hidden), ("v", keys, hidden),
                                    ("o", hidden, queries)]:
            yield f"{at}self_attn.{name}_proj.weight", (rows, columns)
        yield f"{at}self_attn.q_norm.weight", (config["head_dim"],)
        yield f"{at}self_attn.k_norm.weight", (config["head_dim"],)
        yield f"{at}mlp.gate_proj.weight", (intermediate, hidden)
        yield f"{at}mlp.up_proj.weight", (intermediate, hidden)
        yield f"{at}mlp.down_proj.weight", (hidden, intermediate)
        yield f"{at}input_layernorm.weight", (hidden,)
        yield f"{at}post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (config["vocab_size"], hidden)


def write_weights(path, config):
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator(device).manual_seed(1)
    listed, header, offset = list(tensors(config)), {}, 0
    for name, shape in listed:
        size = 2
        for dimension in shape:
            size *= dimension
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, shape in listed:
            if len(shape) == 1:
                values = torch.ones(shape, dtype=torch.bfloat16)
            else:
                values = torch.randn(shape, generator=generator, device=device, dtype=torch.float32)
                values = (values / shape[1] ** 0.5).to(torch.bfloat16)
            file.write(memoryview(values.view(torch.int16).cpu().contiguous().numpy()).cast("B"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="qwen3-8b")
    parser.add_argument("--out", type=Path, required=True, help="directory of the model; made when it is missing")
    parser.add_argument("--run", metavar="BINARY", help="the benchmark (`engine_bench`), which is run on it")
    parser.add_argument("arguments", nargs="*", help="more arguments of the benchmark, after `--`")
    options = parser.parse_args()
    if not (options.out / "config.json").exists():
        options.out.mkdir(parents=True, exist_ok=True)
        config = configuration(SHAPES[options.shape])
        text = json.dumps(tokenizer(config["vocab_size"]), ensure_ascii=False)
        (options.out / "tokenizer.json").write_text(text, encoding="utf-8")
        template = ("{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
                    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
        settings = {"chat_template": template, "eos_token": "<|im_end|>", "bos_token": None,
                    "tokenizer_class": "Qwen2Tokenizer", "unk_token": None}
        (options.out / "tokenizer_config.json").write_text(json.dumps(settings))
        write_weights(options.out / "model.safetensors", config)
        # Last: a directory without it is not whole.
        (options.out / "config.json").write_text(json.dumps(config, indent=1))
    if options.run:
        sys.exit(subprocess.run([options.run, str(options.out), *options.arguments]).returncode)


if __name__ == "__main__":
    main()
