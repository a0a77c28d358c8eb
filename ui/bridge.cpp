#include "ui/bridge.h"

#include <QCoreApplication>

namespace conclave::ui {

void postToGui(std::function<void()> work) {
    if (QCoreApplication* application = QCoreApplication::instance()) {
        QMetaObject::invokeMethod(application, std::move(work), Qt::QueuedConnection);
    }
}

services::AnswerEvents onGui(QObject* context, const services::AnswerEvents& events) {
    using services::AnswerStage;
    using services::Chat;
    using services::Message;
    using services::StoredPassage;
    services::AnswerEvents result;
    result.onStarted = queued<Chat, std::optional<Message>, Message>(context, events.onStarted);
    result.onStage = queued<AnswerStage>(context, events.onStage);
    result.onPassages = queued<std::vector<StoredPassage>>(context, events.onPassages);
    result.onText = queued<std::string, double>(context, events.onText);
    result.onFinished = queued<Result<Message>>(context, events.onFinished);
    return result;
}

QString titleOfSource(std::string_view title, std::string_view path) {
    return title.empty() ? fromUtf8(path.substr(path.rfind('/') + 1)) : fromUtf8(title);
}

QString errorText(const Error& error) {
    const auto say = [&](const QString& what) {
        const QString detail = fromUtf8(error.detail);
        return detail.isEmpty() ? what : what + QLatin1Char('\n') + detail;
    };
    // A detail may say itself what to do next.
    const auto advise = [&](const QString& what, const QString& advice) {
        const bool isAdvised = error.detail.find("try again") != std::string::npos;
        return say(isAdvised ? what : what + QLatin1Char(' ') + advice);
    };
    const auto tr = [](const char* text) { return QCoreApplication::translate("Errors", text); };
    switch (error.code) {
        case ErrorCode::InvalidArgument: return say(tr("That cannot be done this way."));
        case ErrorCode::NotFound: return say(tr("It cannot be found."));
        case ErrorCode::Io:
            return say(
                tr("The system refused to read or write. Check that the file is reachable "
                   "and that you may open it."));
        case ErrorCode::DiskFull:
            return advise(tr("The disk is full."),
                          tr("Nothing was changed; free some space and try again."));
        case ErrorCode::Corrupt:
            return say(
                tr("The file is damaged or incomplete. Get a fresh copy of it and try again."));
        case ErrorCode::Unsupported: return say(tr("This version of Conclave cannot use it."));
        case ErrorCode::TooNew:
            return say(tr("It was written by a newer version of Conclave. Update to open it."));
        case ErrorCode::OutOfMemory:
            return say(
                tr("There is not enough memory. Close other programs, choose a smaller "
                   "model or a shorter context."));
        case ErrorCode::Cancelled: return tr("Stopped.");
        case ErrorCode::Timeout: return say(tr("It took too long and was given up. Try again."));
        case ErrorCode::PasswordRequired:
            return say(tr("The document is protected by a password. Save a copy without one."));
        case ErrorCode::LimitExceeded:
            return say(tr("It is larger than the safety limit. Split it into smaller files."));
        case ErrorCode::NeedsOcr:
            return say(tr("Its pages are pictures without text. Run text recognition first."));
        case ErrorCode::Unreadable:
            return say(
                tr("A file of this message cannot be read. Take it out, or attach it in "
                   "another form."));
        case ErrorCode::Busy:
            return advise(tr("Another program uses it right now."),
                          tr("Close that one and try again."));
        case ErrorCode::Internal:
            return say(
                tr("Something went wrong inside Conclave. Trying again may help; the log "
                   "has the details."));
    }
    return say(QString());
}

}  // namespace conclave::ui
