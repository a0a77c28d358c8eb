// bridge.h: brings what the services answer on their threads to the GUI thread, as values.
//
//   services.chats().list(onGui<std::vector<Chat>>(this, [this](auto chats) { show(chats); }));
#pragma once

#include <QPointer>
#include <functional>
#include <utility>

#include "app/services/services.h"

namespace conclave::ui {

/// Runs `work` on the GUI thread, in the order of the calls; dropped after the application's end.
void postToGui(std::function<void()> work);

/// Wraps `handler` so that it may be called on any thread: it runs on the GUI thread, and only if
/// `context` still exists then.
template <typename... Values, typename Handler>
[[nodiscard]] std::function<void(Values...)> queued(QObject* context, Handler handler) {
    return [guard = QPointer<QObject>(context), handler = std::move(handler)](Values... values) {
        postToGui([guard, handler, ... values = std::move(values)]() mutable {
            if (guard) handler(std::move(values)...);
        });
    };
}

/// A service's reply that arrives on the GUI thread.
template <typename T, typename Handler>
[[nodiscard]] services::Reply<T> onGui(QObject* context, Handler handler) {
    return queued<Result<T>>(context, std::move(handler));
}

/// All events of one answer, each on the GUI thread.
[[nodiscard]] services::AnswerEvents onGui(QObject* context, const services::AnswerEvents& events);

/// What went wrong and what to do about it, in the user's language. `detail` of the error is added
/// where it names the thing.
[[nodiscard]] QString errorText(const Error& error);

/// What a source is called: its title, else the file's name.
[[nodiscard]] QString titleOfSource(std::string_view title, std::string_view path);

[[nodiscard]] inline QString fromUtf8(std::string_view text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

}  // namespace conclave::ui
