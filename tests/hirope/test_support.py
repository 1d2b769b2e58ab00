"""What a configuration alone tells: who is refused and why, and the length that a model was trained for."""

import pytest
import transformers as hf
from hirope.tiny import ALL, TRAINED

from hirope_ls.hirope import Support, support, trained_length

REFUSED = [
    (hf.GPT2Config(), "no rotary positions (learned"),
    (hf.BloomConfig(), "ALiBi"),
    (hf.MptConfig(), "ALiBi"),
    (hf.CodeGenConfig(), "bypass the attention interface"),
    (hf.GPTJConfig(), "bypass the attention interface"),
    (hf.FalconConfig(), "bypass the attention interface"),
    (hf.DeepseekV3Config(), "multi-head latent attention"),
    (hf.Gemma2Config(), "soft-capped"),
    (hf.GptOssConfig(), "attention sinks"),
    (hf.MambaConfig(), "recurrent"),
    (hf.BertConfig(), "no rotary positions"),
    (hf.T5Config(), "encoder-decoder"),
    (hf.Llama4TextConfig(), "complex-valued"),
    (hf.Qwen3NextConfig(), "layers of the kind linear_attention"),
    (hf.HunYuanDenseV1Config(), "normalised after"),
    (hf.Gemma3Config(), "load the text model alone"),
]


@pytest.mark.parametrize(("config", "reason"), REFUSED, ids=lambda value: getattr(value, "model_type", None))
def test_refused_by_configuration_in_one_line(config, reason):
    told = support(config)
    assert not told.ok and reason in told.reason and "\n" not in told.reason


@pytest.mark.parametrize("name", ALL)
def test_supported_by_configuration(name):
    config = ALL[name].make().config
    assert support(config) == Support(True, "")
    assert trained_length(config) == TRAINED


def test_the_configurations_own_trained_length_comes_first():
    config = hf.LlamaConfig(max_position_embeddings=4096, hirope={"trained_length": 1024})
    assert trained_length(config) == 1024


YARN = {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 32768}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
LENGTHS = [  # stated, rope, trained
    (32768, {"rope_type": "default", "rope_theta": 1e6}, 32768),
    (16384, {"rope_type": "linear", "rope_theta": 1e5, "factor": 4.0}, 16384),  # DeepSeek-Coder: trained so
    (131072, LLAMA3, 131072),  # Llama 3.2: 8192 * 32 would be too much
    (4096, {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}, 4096),
    (32768, YARN, 131072),  # Qwen2.5 and its model card's rope_scaling
    (40960, YARN, 131072),  # Qwen3 and its
    (131072, YARN, 131072),
    (262144, YARN, 262144),
]


@pytest.mark.parametrize(("stated", "rope", "trained"), LENGTHS, ids=str)
def test_the_trained_length_of_scaled_frequencies(stated, rope, trained):
    assert trained_length(hf.Qwen2Config(max_position_embeddings=stated, rope_parameters=dict(rope))) == trained


def test_the_trained_length_where_one_kind_of_layer_is_stretched():
    ropes = {"sliding_attention": {"rope_type": "default", "rope_theta": 1e6}, "full_attention": dict(YARN)}
    assert trained_length(hf.Olmo3Config(max_position_embeddings=32768, rope_parameters=ropes)) == 131072
