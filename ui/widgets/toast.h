// toast.h: a short notice at the window's lower edge, with at most one thing to do.
#pragma once

#include <QFrame>
#include <functional>

class QLabel;
class QPushButton;
class QTimer;

namespace conclave::ui {

class Toast : public QFrame {
    Q_OBJECT
public:
    explicit Toast(QWidget* window);

    void show(const QString& text, const QString& actionText = {},
              std::function<void()> action = {});

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    void place();

    QLabel* m_text;
    QPushButton* m_button;
    QTimer* m_timer;
    std::function<void()> m_action;
};

}  // namespace conclave::ui
