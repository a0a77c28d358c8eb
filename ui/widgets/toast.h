// toast.h: a short notice that goes away by itself, with at most one thing to do.
#pragma once

#include <QFrame>
#include <QPointer>
#include <functional>

class QLabel;
class QPushButton;
class QToolButton;
class QTimer;

namespace conclave::ui {

class Toast : public QFrame {
    Q_OBJECT
public:
    explicit Toast(QWidget* window);
    /// Notices appear at the top of this while it is shown: a conversation is read, answered and
    /// copied from at its end. Else they appear at the window's bottom.
    void setAnchor(QWidget* anchor);

    void show(const QString& text, const QString& actionText = {},
              std::function<void()> action = {});

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    void place();

    QLabel* m_text;
    QPushButton* m_button;
    QToolButton* m_close;
    QTimer* m_timer;
    QPointer<QWidget> m_anchor;
    std::function<void()> m_action;
};

}  // namespace conclave::ui
