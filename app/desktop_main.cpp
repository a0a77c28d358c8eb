// desktop_main.cpp: the desktop program: reads the command line, starts the services, shows the
// window.
#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QIcon>
#include <QLibraryInfo>
#include <QLocale>
#include <QMessageBox>
#include <QPushButton>
#include <QTranslator>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "app/services/services.h"
#include "base/async.h"
#include "base/file_mode.h"
#include "base/log.h"
#include "base/places.h"
#include "ui/ui.h"

using namespace conclave;

namespace {

QString text(const char* source) { return QCoreApplication::translate("Start", source); }

QString fromPath(const std::filesystem::path& path) {
    return QString::fromStdString(path.string());
}

void tell(QMessageBox::Icon shape, const QString& what, const QString& more) {
    QMessageBox box(shape, text("Conclave"), what, QMessageBox::Ok);
    box.setInformativeText(more);
    box.exec();
}

/// Number of letters to insert, drop or change to make `b` of `a`.
qsizetype distance(const QString& a, const QString& b) {
    std::vector<qsizetype> row(static_cast<std::size_t>(b.size()) + 1);
    std::iota(row.begin(), row.end(), 0);
    for (const QChar letter : a) {
        qsizetype diagonal = row[0]++;
        for (std::size_t j = 1; j < row.size(); ++j) {
            const bool same = letter == b[static_cast<qsizetype>(j) - 1];
            diagonal = std::exchange(
                row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1)}));
        }
    }
    return row.back();
}

/// What a mistyped option was meant to be; empty: no idea.
QString closestOption(const QStringList& unknown) {
    if (unknown.isEmpty()) return {};
    for (const char* known : {"help", "version", "new-window", "open"}) {
        if (distance(unknown.front(), QString::fromLatin1(known)) <= 2)
            return QString::fromLatin1(known);
    }
    return {};
}

/// A name for a copy beside the database that is not taken yet.
std::filesystem::path freeName(const std::filesystem::path& database) {
    for (int number = 1;; ++number) {
        std::filesystem::path name = database;
        name += ".backup-" + std::to_string(number);
        std::error_code error;
        if (!std::filesystem::exists(name, error)) return name;
    }
}

/// Copies the database file and its journal as they are: a damaged one cannot be copied otherwise.
void backUp(const std::filesystem::path& database) {
    const std::filesystem::path to = freeName(database);
    std::error_code error;
    std::filesystem::copy_file(database, to, error);
    for (const char* suffix : {"-wal", "-shm"}) {
        std::filesystem::path from = database;
        std::filesystem::path copy = to;
        std::error_code ignored;  // mostly there is none
        std::filesystem::copy_file(from += suffix, copy += suffix, ignored);
    }
    if (error) {
        tell(QMessageBox::Warning, text("The copy could not be written."),
             QString::fromStdString(error.message()));
    } else {
        tell(QMessageBox::Information, text("A copy was written."), fromPath(to));
    }
}

void repair(const Places& places) {
    const Result<services::Repaired> repaired = services::repair(places);
    if (repaired) {
        QString more = text("The damaged file is kept as %1").arg(fromPath(repaired->kept));
        for (const auto& loss : repaired->losses) {
            more +=
                QLatin1Char('\n') + text("A part of the table “%1” is lost: %2 rows were saved.")
                                        .arg(QString::fromStdString(loss.table))
                                        .arg(loss.nSaved);
        }
        if (!repaired->losses.empty())
            more += QLatin1Char('\n') + text("If you have a backup, restore that instead.");
        const bool isWhole = repaired->losses.empty();
        tell(isWhole ? QMessageBox::Information : QMessageBox::Warning,
             isWhole ? text("Everything was saved into a new database.")
                     : text("What could be read was saved into a new database."),
             more);
    } else {
        tell(QMessageBox::Warning, text("The database could not be repaired."),
             QString::fromStdString(repaired.error().detail));
    }
}

void restore(const Places& places) {
    const QString from = QFileDialog::getOpenFileName(nullptr, text("Choose a backup"),
                                                      QDir::homePath(), text("Backups (*.db)"));
    if (from.isEmpty()) return;
    const Result<std::filesystem::path> kept = services::restoreBackup(places, from.toStdString());
    if (kept) {
        tell(
            QMessageBox::Information, text("The backup is in place."),
            kept->empty() ? QString() : text("The former file is kept as %1").arg(fromPath(*kept)));
    } else {
        tell(QMessageBox::Warning, text("The backup could not be put in place."),
             QString::fromStdString(kept.error().detail));
    }
}

/// What to do about a database that does not open. False: quit.
bool askAboutDatabase(const Error& error, const Places& places) {
    const std::filesystem::path database = places.database();
    QString what = text("Conclave could not start.");
    if (error.code == ErrorCode::TooNew)
        what = text("Your chats were written by a newer version of Conclave.");
    if (error.code == ErrorCode::Corrupt)
        what = text("The file with your chats and documents is damaged.");
    if (error.code == ErrorCode::Busy)
        what = text("Another program is using your chats and documents.");
    if (error.code == ErrorCode::DiskFull) what = text("The disk is full.");
    QMessageBox box(QMessageBox::Warning, text("Conclave"), what);
    QString more = QString::fromStdString(error.detail);
    // What the detail says is not said again.
    if (error.code != ErrorCode::DiskFull) more += "\n\n" + text("Nothing was changed.");
    if (!more.contains(fromPath(database))) {
        more += "\n\n" + text("The file is %1").arg(fromPath(database));
    }
    box.setInformativeText(more);
    const bool exists = std::filesystem::exists(database);
    box.addButton(text("Try again"), QMessageBox::AcceptRole);
    QPushButton* copy = exists && error.code != ErrorCode::Busy
                            ? box.addButton(text("Back up…"), QMessageBox::ActionRole)
                            : nullptr;
    QPushButton* mend = exists && error.code == ErrorCode::Corrupt
                            ? box.addButton(text("Repair…"), QMessageBox::ActionRole)
                            : nullptr;
    QPushButton* replace = error.code == ErrorCode::Corrupt
                               ? box.addButton(text("Restore a backup…"), QMessageBox::ActionRole)
                               : nullptr;
    QPushButton* quit = box.addButton(text("Quit"), QMessageBox::RejectRole);
    box.setEscapeButton(quit);
    box.exec();
    if (copy && box.clickedButton() == copy) backUp(database);
    if (mend && box.clickedButton() == mend) repair(places);
    if (replace && box.clickedButton() == replace) restore(places);
    return box.clickedButton() != quit;
}

struct Ending {
    int code = 0;
    std::optional<ui::Rescue> rescue{};  ///< to be done now that nothing uses the database
};

/// Starts the services on a thread of their own: who waits because another program holds the
/// database sees that something happens, and may quit.
Result<std::unique_ptr<services::Services>> startServices(const services::StartOptions& options) {
    constexpr std::chrono::milliseconds kSilent{1500};
    constexpr std::chrono::milliseconds kLook{10};
    auto starting = asyncOrLater([&options] { return services::Services::start(options); });
    QMessageBox box(QMessageBox::Information, text("Conclave"),
                    text("Opening your chats and documents…"));
    box.setInformativeText(
        text("This takes longer than usual. Another program may be using them, such as the "
             "terminal program or a backup; Conclave waits for it for half a minute."));
    box.setEscapeButton(box.addButton(text("Quit"), QMessageBox::RejectRole));
    const auto begin = std::chrono::steady_clock::now();
    bool isShown = false;
    // What waits for a thread that is not to be had begins when it is asked for.
    while (starting.wait_for(kLook) == std::future_status::timeout) {
        QApplication::processEvents();
        // The thread that waits cannot be hurried, and SQLite bears an end at any time.
        if (isShown && !box.isVisible()) std::_Exit(0);
        if (!isShown && std::chrono::steady_clock::now() - begin > kSilent) {
            isShown = true;
            box.show();
        }
    }
    return starting.get();
}

/// Starts the services, shows the window and lives until it is closed.
Ending runWindow(const Places& places, const ui::WindowOptions& options) {
    services::StartOptions startOptions;
    startOptions.places = places;
    startOptions.savesSessions = true;
    Result<std::unique_ptr<services::Services>> started = startServices(startOptions);
    while (!started) {
        log().error("start: {}", started.error().detail);
        if (!askAboutDatabase(started.error(), places)) return {.code = 1};
        started = startServices(startOptions);
    }
    Ending ending;
    const std::unique_ptr<QWidget> window =
        ui::createMainWindow(**started, options, [&ending](ui::Rescue rescue) {
            ending.rescue = rescue;
            QApplication::quit();
        });
    window->show();
    const std::unique_ptr<QObject> later = ui::takeOver(places.database(), *window);
    ending.code = QApplication::exec();
    return ending;
}

}  // namespace

int main(int argc, char** argv) {
    conclave::keepFilesPrivate();
    QApplication::setApplicationName(QStringLiteral("conclave-desktop"));
    QApplication::setApplicationDisplayName(QStringLiteral("Conclave"));
    QApplication::setApplicationVersion(QStringLiteral(CONCLAVE_VERSION));
    QApplication::setDesktopFileName(QStringLiteral("org.conclave.Conclave"));

    QCommandLineParser parser;
    parser.setApplicationDescription(
        text("Conclave: ask your own documents, on this computer alone.\n\n"
             "Example: conclave-desktop report.pdf"));
    const QCommandLineOption helpOption({QStringLiteral("h"), QStringLiteral("help")},
                                        text("Show this help."));
    const QCommandLineOption version(QStringLiteral("version"), text("Show the version."));
    const QCommandLineOption newWindow(QStringLiteral("new-window"), text("Begin a new chat."));
    const QCommandLineOption open(QStringLiteral("open"), text("Show the chat with this number."),
                                  QStringLiteral("CHAT"));
    parser.addOptions({helpOption, version, newWindow, open});
    parser.addPositionalArgument(QStringLiteral("FILE"), text("Files to attach to a new message."),
                                 QStringLiteral("[FILE…]"));

    // The command line is read before there is a display, so that --help works without one.
    QStringList arguments;
    for (int i = 0; i < argc; ++i) arguments << QString::fromLocal8Bit(argv[i]);
    const bool parsed = parser.parse(arguments);
    if (parsed && parser.isSet(helpOption)) {
        // Without an application Qt does not know the program's name.
        const QString help = parser.helpText().replace(QLatin1String("<executable_name>"),
                                                       QLatin1String("conclave-desktop"));
        std::fputs(qPrintable(help), stdout);
        return 0;
    }
    if (parsed && parser.isSet(version)) {
        std::fputs("Conclave " CONCLAVE_VERSION "\n", stdout);
        return 0;
    }
    ui::WindowOptions options;
    options.newChat = parser.isSet(newWindow);
    bool isNumber = true;
    if (parser.isSet(open)) options.chat = parser.value(open).toLongLong(&isNumber);
    if (!parsed || !isNumber) {
        const QString problem = parsed ? text("--open wants a number, as shown by “conclave chat”.")
                                       : parser.errorText();
        std::fprintf(stderr, "%s\n", qPrintable(problem));
        const QString meant = closestOption(parser.unknownOptionNames());
        if (!meant.isEmpty())
            std::fprintf(stderr, "%s\n", qPrintable(text("Did you mean --%1?").arg(meant)));
        std::fprintf(stderr, "%s\n", qPrintable(text("Try: conclave-desktop --help")));
        return 2;
    }
    for (const QString& file : parser.positionalArguments()) {
        const QFileInfo info(file);
        if (!info.exists()) {
            std::fprintf(stderr, "%s\n", qPrintable(text("No such file: %1").arg(file)));
            return 1;
        }
        options.attach.emplace_back(info.absoluteFilePath().toStdString());
    }

    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));
    QApplication::setWindowIcon(QIcon(QStringLiteral(":/conclave/icon.svg")));
    ui::prepareLook();
    QTranslator qtTexts;
    if (qtTexts.load(QLocale(), QStringLiteral("qtbase"), QStringLiteral("_"),
                     QLibraryInfo::path(QLibraryInfo::TranslationsPath))) {
        QApplication::installTranslator(&qtTexts);
    }

    const Result<Places> places = findPlaces();
    if (!places) {
        tell(QMessageBox::Critical, text("Conclave cannot use its folders."),
             QString::fromStdString(places.error().detail));
        return 1;
    }
    startLog({.file = places->logFile(), .toStderr = true});

    if (ui::handOver(places->database(), options)) return 0;

    // The messages between two windows must not end the program.
    QApplication::setQuitOnLastWindowClosed(false);
    QObject::connect(&application, &QApplication::lastWindowClosed, &application,
                     &QApplication::quit);
    while (true) {
        const Ending ending = runWindow(*places, options);
        if (!ending.rescue) return ending.code;
        if (*ending.rescue == ui::Rescue::Repair) repair(*places);
        if (*ending.rescue == ui::Rescue::BackUp) backUp(places->database());
        if (*ending.rescue == ui::Rescue::Restore) restore(*places);
        options = {};
    }
}
