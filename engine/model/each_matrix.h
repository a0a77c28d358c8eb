// each_matrix.h: walks through the matrices of a model.
#pragma once

#include <concepts>
#include <type_traits>
#include <variant>

#include "engine/model/weights.h"

namespace conclave::engine {

template <typename T, typename Plain>
concept MaybeConst = std::same_as<std::remove_const_t<T>, Plain>;

template <MaybeConst<FeedForwardWeights> Network, typename Use>
void forEachMatrix(Network& network, const Use& use) {
    use(network.gate);
    use(network.up);
    use(network.down);
}

template <MaybeConst<MoeWeights> Mixture, typename Use>
void forEachMatrix(Mixture& mixture, bool withExperts, const Use& use) {
    use(mixture.router);
    if (withExperts) {
        for (auto& expert : mixture.experts) forEachMatrix(expert, use);
    }
    if (mixture.shared) forEachMatrix(*mixture.shared, use);
}

template <MaybeConst<GroupedAttentionWeights> Attention, typename Use>
void forEachMatrix(Attention& attention, const Use& use) {
    use(attention.query);
    use(attention.key);
    use(attention.value);
    use(attention.output);
}

template <MaybeConst<LatentAttentionWeights> Attention, typename Use>
void forEachMatrix(Attention& attention, const Use& use) {
    if (attention.queryDown) use(*attention.queryDown);
    use(attention.query);
    use(attention.kvDown);
    for (auto& matrix : attention.keyUp) use(matrix);
    for (auto& matrix : attention.valueUp) use(matrix);
    use(attention.output);
}

template <MaybeConst<DeltaNetWeights> Net, typename Use>
void forEachMatrix(Net& net, const Use& use) {
    for (auto& part : net.mixed) use(part.matrix);
    for (auto& part : net.gate) use(part.matrix);
    use(net.rates);
    if (net.decays) use(*net.decays);
    use(net.output);
}

template <MaybeConst<Mamba2Weights> Mamba, typename Use>
void forEachMatrix(Mamba& mamba, const Use& use) {
    use(mamba.gate);
    use(mamba.mixed);
    use(mamba.steps);
    use(mamba.output);
}

template <MaybeConst<ShortConvolutionWeights> Convolution, typename Use>
void forEachMatrix(Convolution& convolution, const Use& use) {
    use(convolution.gateBefore);
    use(convolution.gateAfter);
    use(convolution.values);
    use(convolution.output);
}

/// Which experts' matrices are walked through: none, those that are in memory, or all, of which
/// those that an ExpertStore has are without data.
enum class WithExperts { None, Resident, All };

template <MaybeConst<LayerWeights> Layer, typename Use>
void forEachMatrix(Layer& layer, WithExperts experts, const Use& use) {
    std::visit([&](auto& attention) { forEachMatrix(attention, use); }, layer.attention);
    if (auto* mixture = std::get_if<MoeWeights>(&layer.feedForward)) {
        const bool isWanted = experts == WithExperts::All ||
                              (experts == WithExperts::Resident && mixture->store == nullptr);
        forEachMatrix(*mixture, isWanted, use);
    } else {
        forEachMatrix(std::get<FeedForwardWeights>(layer.feedForward), use);
    }
}

/// Calls use(matrix) for every matrix but embeddings, in the order in which a forward pass reads
/// them, those of the prediction layer last. Where the file has no output matrix, the last one is
/// the embedding once more.
template <MaybeConst<Weights> All, typename Use>
void forEachMatrix(All& weights, WithExperts experts, const Use& use) {
    for (auto& layer : weights.layers) forEachMatrix(layer, experts, use);
    use(weights.output);
    if (!weights.prediction) return;
    use(weights.prediction->join);
    forEachMatrix(weights.prediction->layer, experts, use);
    if (weights.prediction->output) use(*weights.prediction->output);
}

}  // namespace conclave::engine
