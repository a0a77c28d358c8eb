// find_bar.h: a line to type what is looked for, with the hits counted and stepped through.
#pragma once

#include <QFrame>

class QLabel;
class QLineEdit;

namespace conclave::ui {

/// Enter and Shift+Enter step, Esc closes. Whoever owns it does the finding.
class FindBar : public QFrame {
    Q_OBJECT
public:
    FindBar(const QString& placeholder, QWidget* parent);

    /// Shows it, ready to type.
    void openFind();
    /// @param at  the hit that is shown, from 1
    void setFound(int at, int nFound);
    [[nodiscard]] QString text() const;

signals:
    void changed();
    void stepAsked(int step);  ///< 1 or -1
    void closeAsked();

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    QLineEdit* m_field;
    QLabel* m_count;
};

}  // namespace conclave::ui
