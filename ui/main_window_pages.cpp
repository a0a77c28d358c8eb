// Moving between the pages, and what the panels beside them show.
#include <QStackedWidget>
#include <algorithm>
#include <utility>

#include "ui/bridge.h"
#include "ui/chat_controller.h"
#include "ui/main_window.h"
#include "ui/models/chat_list_model.h"
#include "ui/panel_layout.h"
#include "ui/widgets/chat_page.h"
#include "ui/widgets/collection_page.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/damage_bar.h"
#include "ui/widgets/document_reader.h"
#include "ui/widgets/model_picker.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/small_widgets.h"
#include "ui/widgets/sources_panel.h"
#include "ui/widgets/toast.h"
#include "ui/widgets/trash_page.h"

namespace conclave::ui {

void MainWindow::refreshTitle() {
    QString title;
    if (m_stack->currentWidget() == m_collections) {
        title = tr("Documents");
    } else if (m_stack->currentWidget() == m_trash) {
        title = tr("Trash");
    } else if (m_controller->chat()) {
        const services::Chat* chat = m_sidebar->chats().chat(*m_controller->chat());
        title = chat ? ChatListModel::titleOf(*chat) : QString();
    } else {
        title = tr("New chat");
    }
    m_title->setFullText(title);
    setWindowTitle(title.isEmpty() ? tr("Conclave") : tr("%1 — Conclave").arg(title));
}

void MainWindow::openChat(services::ChatId chat) { emit m_sidebar->chatAsked(chat, 0); }

/// What is typed is saved and the page with the conversation comes up, before another chat does.
void MainWindow::leaveChat() {
    m_chatPage->composer().flushDraft();
    m_panels->closeOverlay();
    showDocuments(false);
}

void MainWindow::showPage(QWidget* page) {
    m_panels->closeOverlay();
    if (std::exchange(m_readsFromList, false)) m_sources->showPassages();
    // What is not seen claims no width from a document beside the page.
    for (int i = 0; i < m_stack->count(); ++i) {
        const auto policy =
            m_stack->widget(i) == page ? QSizePolicy::Preferred : QSizePolicy::Ignored;
        m_stack->widget(i)->setSizePolicy(policy, policy);
    }
    m_stack->setCurrentWidget(page);
    if (page != m_chatPage) page->setFocus();  // and none of its switches
    m_sidebar->setPage(page == m_collections ? Sidebar::Page::Documents
                       : page == m_trash     ? Sidebar::Page::Trash
                                             : Sidebar::Page::Chat);
    fitPanels();
    refreshTitle();
}

void MainWindow::showDocuments(bool show) {
    showPage(show ? static_cast<QWidget*>(m_collections) : m_chatPage);
    if (show) reloadCollections();
    if (!show) m_chatPage->composer().focus();
}

void MainWindow::openFind() {
    const QWidget* const focus = focusWidget();
    if (m_sources->isVisible() && m_sources->reader().isVisible() && focus != nullptr &&
        m_sources->reader().isAncestorOf(focus)) {
        return m_sources->reader().openFind();
    }
    if (m_stack->currentWidget() == m_chatPage) {
        m_chatPage->openFind();
    } else if (m_stack->currentWidget() == m_collections) {
        m_collections->openFind();
    }
}

void MainWindow::showTrash(bool show) {
    if (!show) return showDocuments(false);
    m_trash->reload();
    showPage(m_trash);
}

/// Esc: closes what was opened last, else stops the answer.
void MainWindow::dismiss() {
    if (m_panels->closeOverlay()) return;
    if (m_readsFromList) return closeListed();
    if (m_stack->currentWidget() != m_chatPage) {
        showDocuments(false);
    } else {
        m_controller->stop();
    }
}

void MainWindow::showSource(qint64 id, int number, int citation) {
    const auto* message = m_controller->messages().find(id);
    if (!message) return;
    m_sources->showAnswer(*message);
    m_panels->showSources();
    m_sources->openPassage(number, citation);
}

void MainWindow::showFile(const QString& file) {
    const std::filesystem::path path(file.toStdString());
    m_sourcesForced = true;
    m_panels->showSources();
    for (const services::Document& document : m_controller->attached()) {
        if (document.path != path) continue;
        if (document.state == services::DocumentState::Ready) {
            m_sources->openDocument(document);
        } else {
            m_sources->explain(path, document.error.empty()
                                         ? tr("This file is read when the message is answered.")
                                         : fromUtf8(document.error));
        }
        return;
    }
    const auto& pending = m_chatPage->composer().attachments();
    const bool isPending = std::find(pending.begin(), pending.end(), path) != pending.end();
    m_sources->explain(path, isPending
                                 ? tr("This file goes with your message, and is read then.")
                                 : tr("This file was sent here, and is no longer looked up in this "
                                      "chat. It can still be opened in its own program."));
}

void MainWindow::keepRecall(const QString& path, const QString& words) {
    const auto answer = m_sources->answer();
    const services::Message* message = answer ? m_controller->messages().find(*answer) : nullptr;
    if (!message || !message->parent) return;
    const services::Message* asked = m_controller->messages().find(*message->parent);
    if (!asked) return;
    services::RecallQuestion question;
    // A follow-up question alone would find something else.
    if (message->details) question.question = services::searchedFor(*message->details);
    if (question.question.empty()) question.question = asked->text;
    question.quote = words.toStdString();
    question.path = path.toStdString();
    const auto forget = [this](std::int64_t id) {
        m_services.removeRecall(id, onGui<void>(this, [this](const Result<void>& done) {
                                    if (!done) showFailure(done.error());
                                    m_collections->reloadRecall();
                                }));
    };
    m_services.addRecall(
        question, onGui<std::int64_t>(this, [this, forget](const Result<std::int64_t>& id) {
            if (!id) return showFailure(id.error());
            m_collections->reloadRecall();
            m_toast->show(tr("Kept. “Check recall” in Documents tells whether search finds it."),
                          tr("Undo"), [forget, id = *id] { forget(id); });
        }));
}

/// A document of the list, beside it.
void MainWindow::showListed(const services::Document& document) {
    m_readsFromList = true;
    if (m_collections->isAncestorOf(focusWidget())) m_listedFrom = focusWidget();
    fitPanels();
    m_panels->showSources();
    const bool hasText = document.state == services::DocumentState::Ready ||
                         document.state == services::DocumentState::Unavailable;
    if (hasText) return m_sources->openDocument(document);
    m_sources->explain(document.path,
                       document.error.empty()
                           ? tr("This file is not read yet. It can be opened in its own program.")
                           : fromUtf8(document.error));
}

void MainWindow::closeListed() {
    if (!std::exchange(m_readsFromList, false)) return;
    m_sources->showPassages();
    m_panels->closeOverlay();
    fitPanels();
    QWidget* const next = m_listedFrom ? m_listedFrom.data() : m_collections;
    next->setFocus(Qt::OtherFocusReason);
}

void MainWindow::toggleSources() {
    if (m_readsFromList) return closeListed();
    m_sourcesForced = !m_sources->isVisible();
    if (m_sourcesForced && !m_sources->answer()) showLastPassages();
    m_panels->toggleSources();
    fitPanels();
}

/// Sources come up by themselves where there is room, and only where there is something in them.
void MainWindow::fitPanels() {
    const bool isChat = m_stack->currentWidget() == m_chatPage;
    m_panels->setSourcesUseful(isChat ? m_sourcesForced || m_sources->hasPassages()
                                      : m_readsFromList);
    m_models->setRoom(std::clamp(m_centre->width() / 3, 90, 320));
}

void MainWindow::showLastPassages() {
    if (const auto last = m_controller->lastAnswer())
        m_sources->showAnswer(*m_controller->messages().find(*last));
    fitPanels();
}

/// Shows what an answer is based on, as soon as it is known.
void MainWindow::showPassages(const services::Message& message) {
    m_sources->showAnswer(message);
    fitPanels();
}

void MainWindow::showFailure(const Error& error) {
    if (services::isDatabaseDamage(error)) {
        m_damage->tell(fromUtf8(error.detail));
    } else {
        showNotice(errorText(error));
    }
}

void MainWindow::showNotice(const QString& what) { m_toast->show(what); }

void MainWindow::rescue(Rescue what) {
    m_chatPage->composer().flushDraft();
    saveWindow();
    if (m_onRescue) m_onRescue(what);
}

}  // namespace conclave::ui
