// blocks.h: what the descriptions of architectures are put together from.
#pragma once

#include <vector>

#include "engine/model/architectures/keys.h"
#include "engine/model/model_config.h"

namespace conclave::engine {

/// What every architecture has: sizes, the norms' epsilon, and how positions are stretched.
void readCommon(Keys& keys, ModelConfig& model);

/// Heads, their sizes, and the part of a head that is rotated.
void readGroupedAttention(Keys& keys, ModelConfig& model);
/// The same for latent attention, with DeepSeek's form of YaRN, and queries that grow where
/// "attention.temperature_scale" says so.
void readLatentAttention(Keys& keys, ModelConfig& model);

/// Layers without heads of keys and values are recurrent, the others alike: a list in
/// "attention.head_count_kv". To be called before readGroupedAttention.
void readRecurrentLayers(Keys& keys, ModelConfig& model, RecurrentKind kind);

/// Gated delta nets, and grouped attention with a gate in the other layers: those that
/// "attention.recurrent_layers" leaves out, or every "full_attention_interval"-th.
void readGatedHybrid(Keys& keys, ModelConfig& model);

/// The width of an expert, where "expert_feed_forward_length" does not give it.
enum class ExpertWidth {
    FeedForward,        ///< that of the dense layers
    FeedForwardShared,  ///< that of the dense layers, divided among the experts used
};
/// Number, width and groups of experts; every layer gets them. Requires at least one expert.
void readExperts(Keys& keys, ModelConfig& model, ExpertWidth width);
/// Width of the shared experts, where "expert_shared_feed_forward_length" or that of dense layers
/// is it.
void readSharedWidth(Keys& keys, ModelConfig& model);
/// The first "leading_dense_block_count" layers have no experts after all.
void readLeadingDense(Keys& keys, ModelConfig& model);
/// Every "interleave_moe_layer_step"-th layer has experts, and no other.
void readInterleaved(Keys& keys, ModelConfig& model);
/// "expert_gating_func"; without the key, `fallback`.
void readRouterScore(Keys& keys, ModelConfig& model, RouterScore fallback);

/// In every `period` layers all but the last see only a window; they rotate as the others do. The
/// file may tell otherwise, as readLocalLayers has it.
void readWindow(Keys& keys, ModelConfig& model, int period);
/// Which layers see only a window: "attention.sliding_window_pattern" is a list of them or a period
/// (0: all), and `period` counts without it.
[[nodiscard]] std::vector<bool> readLocalLayers(Keys& keys, int nLayers, int period);
/// Local layers may turn by a base of their own: "rope.freq_base_swa".
void readLocalBase(Keys& keys, ModelConfig& model);

}  // namespace conclave::engine
