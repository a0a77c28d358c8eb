// How per-chat choices are kept in Chat::settings.
#include "app/services/services.h"

namespace conclave::services {
namespace {

nlohmann::json stepsToJson(const std::vector<engine::SamplerStep>& steps) {
    nlohmann::json names = nlohmann::json::array();
    for (const engine::SamplerStep step : steps) names.push_back(engine::samplerStepName(step));
    return names;
}

/// None of them if one is unknown, as of a later version.
std::optional<std::vector<engine::SamplerStep>> stepsFromJson(const nlohmann::json& json) {
    std::string names;
    for (const auto& name : json) {
        if (name.is_string()) names.append(name.get<std::string>()).append(";");
    }
    auto steps = engine::parseSamplerSteps(names);
    return steps ? std::optional(std::move(*steps)) : std::nullopt;
}

nlohmann::json samplingToJson(const engine::SamplerSettings& s) {
    nlohmann::json json = {{"temperature", s.temperature},
                           {"top_k", s.topK},
                           {"top_p", s.topP},
                           {"min_p", s.minP},
                           {"typical_p", s.typicalP},
                           {"repeat_penalty", s.repeatPenalty},
                           {"frequency_penalty", s.frequencyPenalty},
                           {"presence_penalty", s.presencePenalty},
                           {"penalty_window", s.penaltyWindow},
                           {"top_n_sigma", s.topNSigma},
                           {"xtc_probability", s.xtcProbability},
                           {"xtc_threshold", s.xtcThreshold},
                           {"dry_multiplier", s.dryMultiplier},
                           {"dry_base", s.dryBase},
                           {"dry_allowed_length", s.dryAllowedLength},
                           {"dry_window", s.dryWindow},
                           {"dry_breakers", s.dryBreakers},
                           {"dynatemp_range", s.temperatureRange},
                           {"dynatemp_exponent", s.temperatureExponent},
                           {"infill", s.infill},
                           {"adaptive_target", s.adaptiveTarget},
                           {"adaptive_decay", s.adaptiveDecay},
                           {"mirostat", s.mirostat},
                           {"mirostat_tau", s.mirostatTau},
                           {"mirostat_eta", s.mirostatEta}};
    if (s.steps != engine::usualSamplerSteps()) json["samplers"] = stepsToJson(s.steps);
    if (s.seed) json["seed"] = *s.seed;
    if (!s.logitBias.empty()) json["logit_bias"] = s.logitBias;
    return json;
}

/// Takes over the value under `key` if it is there and of the right kind.
template <typename T>
void read(const nlohmann::json& json, const char* key, T& value) {
    const auto found = json.find(key);
    if (found == json.end()) return;
    if constexpr (std::is_same_v<T, std::string>) {
        if (found->is_string()) value = found->get<std::string>();
    } else if constexpr (std::is_same_v<T, bool>) {
        if (found->is_boolean()) value = found->get<bool>();
    } else {
        if (found->is_number()) value = found->get<T>();
    }
}

engine::SamplerSettings samplingFromJson(const nlohmann::json& json) {
    engine::SamplerSettings s;
    read(json, "temperature", s.temperature);
    read(json, "top_k", s.topK);
    read(json, "top_p", s.topP);
    read(json, "min_p", s.minP);
    read(json, "typical_p", s.typicalP);
    read(json, "repeat_penalty", s.repeatPenalty);
    read(json, "frequency_penalty", s.frequencyPenalty);
    read(json, "presence_penalty", s.presencePenalty);
    read(json, "penalty_window", s.penaltyWindow);
    read(json, "top_n_sigma", s.topNSigma);
    read(json, "xtc_probability", s.xtcProbability);
    read(json, "xtc_threshold", s.xtcThreshold);
    read(json, "dry_multiplier", s.dryMultiplier);
    read(json, "dry_base", s.dryBase);
    read(json, "dry_allowed_length", s.dryAllowedLength);
    read(json, "dry_window", s.dryWindow);
    read(json, "dynatemp_range", s.temperatureRange);
    read(json, "dynatemp_exponent", s.temperatureExponent);
    read(json, "infill", s.infill);
    read(json, "adaptive_target", s.adaptiveTarget);
    read(json, "adaptive_decay", s.adaptiveDecay);
    read(json, "mirostat", s.mirostat);
    read(json, "mirostat_tau", s.mirostatTau);
    read(json, "mirostat_eta", s.mirostatEta);
    if (const auto names = json.find("samplers"); names != json.end()) {
        if (auto steps = stepsFromJson(*names)) s.steps = std::move(*steps);
    }
    if (const auto texts = json.find("dry_breakers"); texts != json.end() && texts->is_array()) {
        s.dryBreakers.clear();
        for (const auto& text : *texts) {
            if (text.is_string()) s.dryBreakers.push_back(text.get<std::string>());
        }
    }
    if (json.contains("seed") && json["seed"].is_number_unsigned()) {
        s.seed = json["seed"].get<std::uint64_t>();
    }
    if (const auto bias = json.find("logit_bias"); bias != json.end() && bias->is_array()) {
        for (const auto& pair : *bias) {
            if (pair.is_array() && pair.size() == 2 && pair[0].is_number_integer() &&
                pair[1].is_number()) {
                s.logitBias.emplace_back(pair[0].get<engine::TokenId>(), pair[1].get<float>());
            }
        }
    }
    return s;
}

}  // namespace

nlohmann::json ChatSettings::toJson() const {
    nlohmann::json json = nlohmann::json::object();
    if (systemPrompt) json["system_prompt"] = *systemPrompt;
    if (collections) json["collections"] = *collections;
    if (sampling) json["sampling"] = samplingToJson(*sampling);
    if (maxTokens) json["max_tokens"] = *maxTokens;
    if (onlyDocuments) json["only_documents"] = true;
    if (!readsFollowUps) json["follow_ups"] = false;
    if (!filter.isEmpty()) json["filter"] = filter.toJson();
    if (contextLength) json["context_length"] = *contextLength;
    if (!stop.empty()) json["stop"] = stop;
    return json;
}

ChatSettings ChatSettings::fromJson(const nlohmann::json& json) {
    ChatSettings settings;
    if (!json.is_object()) return settings;
    const auto readSwitch = [&](const char* key, bool& value) {
        const auto found = json.find(key);
        if (found != json.end() && found->is_boolean()) value = found->get<bool>();
    };
    readSwitch("only_documents", settings.onlyDocuments);
    readSwitch("follow_ups", settings.readsFollowUps);
    if (const auto filter = json.find("filter"); filter != json.end()) {
        settings.filter = DocumentFilter::fromJson(*filter);
    }
    if (const auto prompt = json.find("system_prompt");
        prompt != json.end() && prompt->is_string()) {
        settings.systemPrompt = prompt->get<std::string>();
    }
    if (const auto ids = json.find("collections"); ids != json.end() && ids->is_array()) {
        settings.collections.emplace();
        for (const auto& id : *ids) {
            if (id.is_number_integer()) settings.collections->push_back(id.get<CollectionId>());
        }
    }
    if (const auto sampling = json.find("sampling");
        sampling != json.end() && sampling->is_object()) {
        settings.sampling = samplingFromJson(*sampling);
    }
    if (const auto length = json.find("context_length");
        length != json.end() && length->is_number_integer() && *length > 0) {
        settings.contextLength = length->get<int>();
    }
    if (const auto stop = json.find("stop"); stop != json.end() && stop->is_array()) {
        for (const auto& text : *stop) {
            if (text.is_string()) settings.stop.push_back(text.get<std::string>());
        }
    }
    if (const auto most = json.find("max_tokens");
        most != json.end() && most->is_number_integer()) {
        settings.maxTokens = most->get<int>();
    }
    return settings;
}

}  // namespace conclave::services
