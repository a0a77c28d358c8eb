"""The architectures by their name in files."""
from . import deepseek, ernie, gemma, glm, gpt_oss, granite, llama, llama4, olmoe, phi, qwen, qwen_hybrid

ARCHITECTURES = {
    "deepseek": deepseek.DEEPSEEK, "deepseek2": deepseek.DEEPSEEK2,
    "ernie4_5-moe": ernie.ERNIE45_MOE,
    "gemma2": gemma.GEMMA2, "gemma3": gemma.GEMMA3,
    "glm4": glm.GLM4, "glm4moe": glm.GLM4MOE,
    "gpt-oss": gpt_oss.GPT_OSS,
    "granite": granite.GRANITE, "granitemoe": granite.GRANITEMOE,
    "llama": llama.LLAMA, "smollm3": llama.SMOLLM3,
    "llama4": llama4.LLAMA4,
    "olmoe": olmoe.OLMOE,
    "phi3": phi.PHI3, "phimoe": phi.PHIMOE,
    "qwen2": qwen.QWEN2, "qwen2moe": qwen.QWEN2MOE, "qwen3": qwen.QWEN3, "qwen3moe": qwen.QWEN3MOE,
    "qwen3next": qwen_hybrid.QWEN3NEXT, "qwen35": qwen_hybrid.QWEN35, "qwen35moe": qwen_hybrid.QWEN35MOE,
}
