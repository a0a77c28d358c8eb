// architectures.h: the architectures that we run, each described in the file of its name.
//
// A new one takes:
//   - its file here, in CMakeLists.txt, in the list below and in the table of model_config.cpp; an
//     option of ModelConfig that the block obeys, if its blocks do something new;
//   - its splitting of words in tokenizer/pre_tokenizer.cpp and tests/tokenizers/patterns.js, and
//     the ending of its template in tokenizer/stand_in_template.cpp, if these are its own;
//   - a tiny model in tests/parity/architectures.py (make_golden.py writes it and what llama.cpp
//     says of it) and its block once more in tests/parity/reference, which knows nothing of ours;
//   - its name in the lists of architecture_test.cpp, quantized_architecture_test.cpp and
//     damaged_model_test.cpp, and a row in tests/parity/make_models_page.py.
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
