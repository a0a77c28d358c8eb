// damage_bar.h: says that the file with chats and documents is damaged, and what can be done.
#pragma once

#include <QFrame>

class QLabel;

namespace conclave::ui {

class DamageBar : public QFrame {
    Q_OBJECT
public:
    explicit DamageBar(QWidget* parent);

    /// Appears; `detail` is what could not be read.
    void tell(const QString& detail);

signals:
    /// Asked and confirmed.
    void backUpAsked();
    void repairAsked();

private:
    bool confirm(const QString& what, const QString& more, const QString& action);

    QLabel* m_text;
};

}  // namespace conclave::ui
