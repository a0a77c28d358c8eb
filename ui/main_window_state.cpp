// What the window remembers from one start to the next.
#include <QStackedWidget>

#include "ui/bridge.h"
#include "ui/chat_controller.h"
#include "ui/main_window.h"
#include "ui/panel_layout.h"
#include "ui/theme.h"
#include "ui/widgets/chat_page.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/sources_panel.h"

namespace conclave::ui {

namespace {

constexpr auto kWindowSetting = "window";
constexpr auto kThemeSetting = "theme";
constexpr auto kZoomSetting = "zoom";
constexpr auto kNoticeSetting = "demonstration.noticeClosed";
constexpr auto kChatKey = "chat";
constexpr auto kNewChatKey = "newChatSince";  // milliseconds since 1970

std::optional<std::int64_t> integerIn(const nlohmann::json& state, const char* key) {
    const auto found = state.find(key);
    if (found == state.end() || !found->is_number_integer()) return std::nullopt;
    return found->get<std::int64_t>();
}

}  // namespace

void MainWindow::loadSettings() {
    using Value = std::optional<nlohmann::json>;
    m_services.setting(kThemeSetting, onGui<Value>(this, [](Result<Value> value) {
                           if (!value || !*value || !(*value)->is_string()) return;
                           const auto name = (*value)->get<std::string>();
                           Theme::instance().setMode(name == "light"  ? ThemeMode::Light
                                                     : name == "dark" ? ThemeMode::Dark
                                                                      : ThemeMode::System);
                       }));
    m_services.setting(kZoomSetting, onGui<Value>(this, [](Result<Value> value) {
                           if (value && *value && (*value)->is_number())
                               Theme::instance().setZoom((*value)->get<double>());
                       }));
    m_services.setting(kNoticeSetting, onGui<Value>(this, [this](Result<Value> value) {
                           if (value && *value && **value == nlohmann::json(true))
                               m_chatPage->closeBanner();
                       }));
    m_services.setting(services::kIndexPausedSetting,
                       onGui<Value>(this, [this](Result<Value> value) {
                           if (value && *value && **value == nlohmann::json(true))
                               setIndexingPaused(true);
                       }));
    m_services.setting(kWindowSetting, onGui<Value>(this, [this](Result<Value> value) {
                           const nlohmann::json state = value && *value && (*value)->is_object()
                                                            ? **value
                                                            : nlohmann::json::object();
                           restoreWindow(state);
                           const auto last = integerIn(state, kChatKey);
                           const auto since = integerIn(state, kNewChatKey);
                           if (!last && since) return beginAfterKill(*since);
                           begin(last);
                       }));
}

/// The window was killed on the page for a new chat, or so soon after the question that its chat
/// was not noted yet: then that is the one that was open.
void MainWindow::beginAfterKill(std::int64_t since) {
    using Chats = std::vector<services::Chat>;
    m_services.chats().list(onGui<Chats>(this, [this, since](Result<Chats> chats) {
        std::optional<services::ChatId> newest;
        if (chats) {
            for (const services::Chat& chat : *chats) {
                if (chat.created.time_since_epoch().count() >= since && chat.id > newest)
                    newest = chat.id;
            }
        }
        begin(newest);
    }));
}

/// Who was quicker than the settings keeps what is typed, and the answer that was asked for.
void MainWindow::begin(std::optional<services::ChatId> last) {
    if (m_controller->chat() || m_controller->isAnswering()) return saveWindow();
    const QString typed = m_chatPage->composer().text();
    showWhatIsAsked(m_options, typed.isEmpty() ? last : std::nullopt);
    if (!typed.isEmpty()) m_chatPage->composer().setText(typed);
}

void MainWindow::showWhatIsAsked(const WindowOptions& options,
                                 std::optional<services::ChatId> last) {
    if (options.chat) {
        m_controller->open(*options.chat);
    } else if (last && options.attach.empty() && !options.newChat) {
        m_controller->open(*last);
    } else {
        m_controller->startNew();
    }
    QStringList files;
    for (const auto& file : options.attach) files << fromUtf8(file.string());
    give(files);
}

void MainWindow::take(const WindowOptions& options) {
    const bool wantsSomething = options.chat || options.newChat || !options.attach.empty();
    if (!m_restored) {
        if (wantsSomething) m_options = options;
    } else if (wantsSomething) {
        showDocuments(false);
        showWhatIsAsked(options, {});
    }
    setWindowState((windowState() & ~Qt::WindowMinimized) | Qt::WindowActive);
    show();
    raise();
    activateWindow();
}

void MainWindow::restoreWindow(const nlohmann::json& state) {
    const auto bytes = [&](const char* key) {
        const auto found = state.find(key);
        if (found == state.end() || !found->is_string()) return QByteArray();
        return QByteArray::fromBase64(QByteArray::fromStdString(found->get<std::string>()));
    };
    const auto flag = [&](const char* key, bool otherwise) {
        const auto found = state.find(key);
        return found != state.end() && found->is_boolean() ? found->get<bool>() : otherwise;
    };
    if (const QByteArray geometry = bytes("geometry"); !geometry.isEmpty())
        restoreGeometry(geometry);
    if (const QByteArray sizes = bytes("splitter"); !sizes.isEmpty()) m_panels->restoreSizes(sizes);
    m_panels->setSidebarWanted(flag("sidebar", true));
    m_panels->setSourcesWanted(flag("sources", true));
    m_restored = true;
    fitPanels();
    // The window may have become active before it knew how to look.
    m_services.collections().updateAll();
}

void MainWindow::forgetNotice() { m_services.setSetting(kNoticeSetting, true); }

void MainWindow::saveWindow() {
    if (!m_restored) return;
    nlohmann::json state = nlohmann::json::object();
    state["geometry"] = saveGeometry().toBase64().toStdString();
    state["splitter"] = m_panels->saveSizes().toBase64().toStdString();
    state["sidebar"] = m_panels->isSidebarWanted();
    state["sources"] = m_panels->areSourcesWanted();
    m_savedChat = m_controller->chat();
    if (m_savedChat) {
        state[kChatKey] = *m_savedChat;
    } else if (!m_isClosed) {
        state[kNewChatKey] = m_newChatSince;
    }
    m_services.setSetting(kWindowSetting, state);
}

}  // namespace conclave::ui
