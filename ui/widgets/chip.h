// chip.h: what is in force, with a button that takes it out.
#pragma once

#include <QFrame>
#include <QList>
#include <QToolButton>

namespace conclave::ui {

/// A name that can be clicked, and a cross. Its text, hints and signals are the caller's business.
struct Chip {
    /// @param isStrong  in the accent's colour
    [[nodiscard]] static Chip make(QWidget* parent, bool isStrong);
    /// Hides chips now and deletes them later, since one of them may have been clicked just now.
    static void drop(QList<QWidget*>& chips);

    QFrame* frame = nullptr;  ///< shown
    QToolButton* name = nullptr;
    QToolButton* remove = nullptr;
};

}  // namespace conclave::ui
