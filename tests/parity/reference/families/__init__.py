"""The architectures by their name in files."""
from . import (after_blocks, cohere, deepseek, ernie, gemma, glm, gpt_oss, granite, lfm2, llama, llama4, mistral,
               olmoe, phi, qwen, qwen_hybrid, shared_experts)

ARCHITECTURES = {
    "deepseek": deepseek.DEEPSEEK, "deepseek2": deepseek.DEEPSEEK2,
    "bailingmoe": shared_experts.BAILINGMOE, "bailingmoe2": shared_experts.BAILINGMOE2,
    "command-r": cohere.COMMAND_R, "cohere2": cohere.COHERE2,
    "dots1": shared_experts.DOTS1,
    "ernie4_5": llama.LLAMA, "ernie4_5-moe": ernie.ERNIE45_MOE,
    "exaone4": after_blocks.EXAONE4, "olmo2": after_blocks.OLMO2,
    "gemma": gemma.GEMMA, "gemma2": gemma.GEMMA2, "gemma3": gemma.GEMMA3,
    "glm4": glm.GLM4, "glm4moe": glm.GLM4MOE,
    "gpt-oss": gpt_oss.GPT_OSS,
    "granite": granite.GRANITE, "granitemoe": granite.GRANITEMOE,
    "granitehybrid": granite.GRANITEHYBRID,
    "lfm2": lfm2.LFM2, "lfm2moe": lfm2.LFM2,
    "hunyuan-dense": shared_experts.HUNYUAN, "hunyuan-moe": shared_experts.HUNYUAN,
    "minimax-m2": shared_experts.MINIMAX_M2,
    "mistral3": mistral.MISTRAL3,
    "seed_oss": qwen.SEED_OSS,
    "llama": llama.LLAMA, "smollm3": llama.SMOLLM3,
    "llama4": llama4.LLAMA4,
    "olmoe": olmoe.OLMOE,
    "phi3": phi.PHI3, "phimoe": phi.PHIMOE,
    "qwen2": qwen.QWEN2, "qwen2moe": qwen.QWEN2MOE, "qwen3": qwen.QWEN3, "qwen3moe": qwen.QWEN3MOE,
    "qwen2vl": qwen.QWEN2, "qwen3vl": qwen.QWEN3, "qwen3vlmoe": qwen.QWEN3MOE,
    "qwen3next": qwen_hybrid.QWEN3NEXT, "qwen35": qwen_hybrid.QWEN35, "qwen35moe": qwen_hybrid.QWEN35MOE,
}
