// toast.h: a short notice above the composer, with at most one thing to do.
#pragma once

#include <QFrame>
#include <QPointer>
#include <functional>

class QLabel;
class QPushButton;
class QTimer;

namespace conclave::ui {

class Toast : public QFrame {
    Q_OBJECT
public:
    explicit Toast(QWidget* window);
    /// Notices appear above this while it is shown, so that they cover nothing one types in.
    void setAnchor(QWidget* anchor);

    void show(const QString& text, const QString& actionText = {},
              std::function<void()> action = {});

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    void place();

    QLabel* m_text;
    QPushButton* m_button;
    QTimer* m_timer;
    QPointer<QWidget> m_anchor;
    std::function<void()> m_action;
};

}  // namespace conclave::ui
