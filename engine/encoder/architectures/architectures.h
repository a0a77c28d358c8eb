// architectures.h: the encoders that we run, each described in the file of its name.
//
// A new one takes: its file here, a line in this list and in the table of encoder_config.cpp, and a
// tiny model with golden vectors in tests/parity.
#pragma once

#include "engine/encoder/encoder_config.h"
#include "engine/model/architectures/keys.h"

/// Each fills in what EncoderConfig::read has left open.
namespace conclave::engine::encoders {

void bert(Keys& keys, EncoderConfig& model);
void gemmaEmbedding(Keys& keys, EncoderConfig& model);
void jinaBertV2(Keys& keys, EncoderConfig& model);
void nomicBert(Keys& keys, EncoderConfig& model);
void nomicBertMoe(Keys& keys, EncoderConfig& model);
void qwen3(Keys& keys, EncoderConfig& model);

}  // namespace conclave::engine::encoders

namespace conclave::engine {

/// Base and pairs of a rotation over whole heads; stretched contexts are scaled linearly.
void readEncoderRope(Keys& keys, EncoderConfig& model);

}  // namespace conclave::engine
