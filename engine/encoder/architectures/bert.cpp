// bert.cpp: BERT (arXiv:1810.04805) and its kin: BGE, MiniLM, E5, GTE, XLM-RoBERTa; also rerankers.
#include "engine/encoder/architectures/architectures.h"

namespace conclave::engine::encoders {

void bert(Keys& /*keys*/, EncoderConfig& model) { model.learnedPositions = true; }

}  // namespace conclave::engine::encoders
