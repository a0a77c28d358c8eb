// commands.h: what the terminal program can do; each command is one row of a table.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/services/services.h"
#include "app/terminal/arguments.h"

namespace conclave::terminal {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kWrongUsage = 2;

struct Command {
    std::string_view name;
    std::string_view usage;    ///< what follows the name, as "QUESTION [OPTION…]"
    std::string_view summary;  ///< one line
    std::string_view details;  ///< more for --help; may be empty
    std::string_view example;
    std::size_t nLeast = 0;  ///< plain arguments
    std::size_t nMost = 0;
    std::vector<Option> options;  ///< besides the common ones
    int (*run)(const Arguments& arguments) = nullptr;
    bool isInteractive = false;  ///< prints no JSON document: help does not offer one
};

/// All commands, in the order they are listed.
[[nodiscard]] const std::vector<Command>& allCommands();

/// Runs the program. Returns its exit code.
int runProgram(const std::vector<std::string>& arguments);

// One function a file gives its rows.
[[nodiscard]] std::vector<Command> answerCommands();
[[nodiscard]] std::vector<Command> chatCommands();
[[nodiscard]] std::vector<Command> earlierChatCommands();
[[nodiscard]] std::vector<Command> documentCommands();
[[nodiscard]] std::vector<Command> engineCommands();
[[nodiscard]] std::vector<Command> modelCommands();
[[nodiscard]] std::vector<Command> quantizeCommands();
[[nodiscard]] std::vector<Command> collectionCommands();
[[nodiscard]] std::vector<Command> recallCommands();
[[nodiscard]] std::vector<Command> upkeepCommands();

/// Options that choose how tokens are sampled, and what they say.
[[nodiscard]] std::vector<Option> samplingOptions();
[[nodiscard]] bool givesSampling(const Arguments& arguments);
/// `settings` with what was given. Errors: InvalidArgument (names the option).
[[nodiscard]] Result<engine::SamplerSettings> samplingFrom(const Arguments& arguments,
                                                           engine::SamplerSettings settings);

/// --lora, of commands that compute with a model.
[[nodiscard]] Option adapterOption();

/// "FILE", "FILE=SCALE" or "FILE:SCALE"; what stands behind the last mark and is no number belongs
/// to the name of a file that is there. Errors: InvalidArgument (neither a file nor a scale).
[[nodiscard]] Result<services::AdapterFile> adapterFrom(const std::string& given);

/// What only those who use the values of --samplers, --logit-bias, --stop and --lora can tell of
/// them.
/// Errors: InvalidArgument (names the option).
[[nodiscard]] Result<void> checkValues(const Arguments& arguments);

/// --tools, of commands that use a model's chat template.
[[nodiscard]] Option toolsOption();
/// Says so if the model's chat template does not tell it of these tools (null: none).
void noteUnknownTools(const engine::Model& model, const nlohmann::ordered_json& tools);
/// The same for the tools of --tools and the chosen model.
void noteUnknownTools(services::Services& services, const Arguments& arguments);

/// --cache-type-k and --cache-type-v, likewise, and what they say.
[[nodiscard]] std::vector<Option> cacheOptions();
[[nodiscard]] engine::KvTypes cacheTypesFrom(const Arguments& arguments);

/// --ctx and --stop, of commands that generate, and what the latter says.
[[nodiscard]] std::vector<Option> generationOptions();
[[nodiscard]] std::vector<std::string> stopsFrom(const Arguments& arguments);
/// Errors: InvalidArgument if --ctx is more than the model was made for.
[[nodiscard]] Result<void> checkContext(const engine::Model& model, const Arguments& arguments);

/// --experts, of commands that compute with a model.
[[nodiscard]] Option expertsOption();
/// --experts, --speculate and --draft, and what the latter two say.
[[nodiscard]] std::vector<Option> speedOptions();
[[nodiscard]] bool speculates(const Arguments& arguments);
/// The model of --draft; null without one.
[[nodiscard]] Result<std::shared_ptr<const engine::Model>> draftFrom(const Arguments& arguments);

/// Errors: why the model that --model names, an adapter of --lora, or the length of --ctx cannot be
/// used. Without them any model, or none, will do.
[[nodiscard]] Result<void> checkNamedModel(services::Services& services,
                                           const Arguments& arguments);

/// Starts the services for --model, --threads, --lora, --tools and the types of the KV cache.
[[nodiscard]] Result<std::unique_ptr<services::Services>> startServices(const Arguments& arguments,
                                                                        bool indexGuide,
                                                                        bool savesSessions = false);
/// For commands that need no database: goes on without one if it cannot be opened.
[[nodiscard]] Result<std::unique_ptr<services::Services>> startForModel(const Arguments& arguments);

}  // namespace conclave::terminal
