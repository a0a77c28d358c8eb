// architectures.h: the architectures that we run, each described in the file of its name.
//
// A new one takes: its file here, a line in this list and in the table of model_config.cpp, a tiny
// model with golden values in tests/parity, its block once more in tests/parity/reference, which
// knows nothing of ours, and, if its blocks do something new, an option of ModelConfig that the
// block obeys.
#pragma once

#include "engine/model/architectures/blocks.h"

/// Each fills in what readCommon has left open.
namespace conclave::engine::architectures {

void bailingmoe(Keys& keys, ModelConfig& model);
void bailingmoe2(Keys& keys, ModelConfig& model);
void cohere2(Keys& keys, ModelConfig& model);
void commandR(Keys& keys, ModelConfig& model);
void deepseek(Keys& keys, ModelConfig& model);
void deepseek2(Keys& keys, ModelConfig& model);
void dots1(Keys& keys, ModelConfig& model);
void ernie45(Keys& keys, ModelConfig& model);
void ernie45Moe(Keys& keys, ModelConfig& model);
void exaone4(Keys& keys, ModelConfig& model);
void gemma(Keys& keys, ModelConfig& model);
void gemma2(Keys& keys, ModelConfig& model);
void gemma3(Keys& keys, ModelConfig& model);
void glm4(Keys& keys, ModelConfig& model);
void glm4moe(Keys& keys, ModelConfig& model);
void gptOss(Keys& keys, ModelConfig& model);
void granite(Keys& keys, ModelConfig& model);
void granitehybrid(Keys& keys, ModelConfig& model);
void granitemoe(Keys& keys, ModelConfig& model);
void hunyuanDense(Keys& keys, ModelConfig& model);
void hunyuanMoe(Keys& keys, ModelConfig& model);
void lfm2(Keys& keys, ModelConfig& model);
void lfm2moe(Keys& keys, ModelConfig& model);
void llama(Keys& keys, ModelConfig& model);
void llama4(Keys& keys, ModelConfig& model);
void minimaxM2(Keys& keys, ModelConfig& model);
void mistral3(Keys& keys, ModelConfig& model);
void olmo2(Keys& keys, ModelConfig& model);
void olmoe(Keys& keys, ModelConfig& model);
void phi3(Keys& keys, ModelConfig& model);
void phimoe(Keys& keys, ModelConfig& model);
void qwen2(Keys& keys, ModelConfig& model);
void qwen2moe(Keys& keys, ModelConfig& model);
void qwen2vl(Keys& keys, ModelConfig& model);
void qwen3(Keys& keys, ModelConfig& model);
void qwen35(Keys& keys, ModelConfig& model);
void qwen35moe(Keys& keys, ModelConfig& model);
void qwen3moe(Keys& keys, ModelConfig& model);
void qwen3next(Keys& keys, ModelConfig& model);
void qwen3vl(Keys& keys, ModelConfig& model);
void qwen3vlmoe(Keys& keys, ModelConfig& model);
void seedOss(Keys& keys, ModelConfig& model);
void smollm3(Keys& keys, ModelConfig& model);

}  // namespace conclave::engine::architectures
