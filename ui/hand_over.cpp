// One window for one database: a second start hands its wishes to the first over a local socket.
#include <QCryptographicHash>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QLocalServer>
#include <QLocalSocket>

#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "ui/bridge.h"
#include "ui/main_window.h"

namespace conclave::ui {
namespace {

constexpr int kWaitMilliseconds = 2000;
constexpr qint64 kMostBytes = 1 << 20;
constexpr char kEndOfMessage = '\n';
constexpr auto kTaken = "taken\n";

/// The socket of `database`: in the user's run-time folder, whose names stay below the 107 bytes
/// that a socket's may have, which those below the home folder may not.
QString socketName(const std::filesystem::path& database) {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::weakly_canonical(database, error);
    const QByteArray hash = QCryptographicHash::hash(
        QByteArray::fromStdString((error ? database : real).string()), QCryptographicHash::Sha256);
    QString folder = qEnvironmentVariable("XDG_RUNTIME_DIR");
    if (!QFileInfo(folder).isDir()) folder = QDir::tempPath();
    return QStringLiteral("%1/conclave-%2-%3.socket")
        .arg(folder)
        .arg(::getuid())
        .arg(QString::fromLatin1(hash.toHex().left(16)));
}

/// The temporary folder is everybody's: a socket there may be another user's trap.
bool isOurs(const QString& name) {
    struct stat status = {};
    return ::lstat(QFile::encodeName(name).constData(), &status) == 0 && S_ISSOCK(status.st_mode) &&
           status.st_uid == ::getuid();
}

QByteArray toMessage(const WindowOptions& options) {
    nlohmann::json message = {{"new", options.newChat}, {"attach", nlohmann::json::array()}};
    if (options.chat) message["chat"] = *options.chat;
    for (const auto& file : options.attach) message["attach"].push_back(file.string());
    return QByteArray::fromStdString(
               message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) +
           kEndOfMessage;
}

std::optional<WindowOptions> fromMessage(const QByteArray& bytes) {
    const auto message = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false);
    if (!message.is_object()) return {};
    WindowOptions options;
    if (const auto chat = message.find("chat"); chat != message.end() && chat->is_number_integer())
        options.chat = chat->get<services::ChatId>();
    if (const auto isNew = message.find("new"); isNew != message.end() && isNew->is_boolean())
        options.newChat = isNew->get<bool>();
    if (const auto files = message.find("attach"); files != message.end() && files->is_array()) {
        for (const auto& file : *files) {
            if (file.is_string()) options.attach.emplace_back(file.get<std::string>());
        }
    }
    return options;
}

/// Reads one message of a later start and answers it.
void serve(QLocalSocket* socket, MainWindow* window) {
    QObject::connect(socket, &QLocalSocket::disconnected, socket, &QObject::deleteLater);
    QObject::connect(socket, &QLocalSocket::readyRead, window, [socket, window] {
        if (!socket->canReadLine()) {
            if (socket->bytesAvailable() > kMostBytes) socket->abort();
            return;
        }
        const auto options = fromMessage(socket->readLine(kMostBytes));
        if (!options) return socket->abort();
        window->take(*options);
        socket->write(kTaken);
        socket->disconnectFromServer();
    });
}

}  // namespace

bool handOver(const std::filesystem::path& database, const WindowOptions& options) {
    const QString name = socketName(database);
    if (!isOurs(name)) return false;
    QLocalSocket socket;
    socket.connectToServer(name);
    if (!socket.waitForConnected(kWaitMilliseconds)) return false;
    socket.write(toMessage(options));
    // Only an answer tells that the other program is not stuck.
    return socket.waitForBytesWritten(kWaitMilliseconds) &&
           socket.waitForReadyRead(kWaitMilliseconds) && socket.readAll() == kTaken;
}

std::unique_ptr<QObject> takeOver(const std::filesystem::path& database, QWidget& window) {
    auto* main = qobject_cast<MainWindow*>(&window);
    if (!main) return nullptr;
    auto server = std::make_unique<QLocalServer>();
    server->setSocketOptions(QLocalServer::UserAccessOption);
    const QString name = socketName(database);
    // Nobody answered at this start, so a socket that is there was left by a killed program.
    if (isOurs(name)) QLocalServer::removeServer(name);
    if (!server->listen(name)) {
        log().warn("no later start can reach this window: {}", server->errorString().toStdString());
        return nullptr;
    }
    QObject::connect(server.get(), &QLocalServer::newConnection, main,
                     [listening = server.get(), main] {
                         while (QLocalSocket* socket = listening->nextPendingConnection())
                             serve(socket, main);
                     });
    return server;
}

}  // namespace conclave::ui
