from lab.eval_parts import texts, tiny, tokenizer

__all__ = ["texts", "tiny", "tokenizer"]
