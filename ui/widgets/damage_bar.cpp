#include "ui/widgets/damage_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QMessageBox>
#include <QPushButton>

#include "ui/widgets/small_widgets.h"

namespace conclave::ui {

DamageBar::DamageBar(QWidget* parent)
    : QFrame(parent), m_text(makeLabel({}, TextSize::Small, this)) {
    setObjectName(QStringLiteral("damage"));
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(14, 7, 7, 7);
    row->setSpacing(8);
    auto* sign = new QLabel(this);
    onTheme(sign, [sign] {
        sign->setPixmap(iconPixmap(Icon::Warning, colors().danger, 18, sign->devicePixelRatioF()));
    });
    m_text->setWordWrap(true);
    m_text->setText(
        tr("A part of the file with your chats and documents is damaged. Repairing "
           "saves everything that can be read."));
    QPushButton* backUp = makeButton(tr("Back up…"), this);
    QPushButton* repair = makeButton(tr("Repair…"), this, "primary");
    QToolButton* close = makeIconButton(Icon::Close, tr("Hide for now"), this);
    row->addWidget(sign);
    row->addWidget(m_text, 1);
    row->addWidget(backUp);
    row->addWidget(repair);
    row->addWidget(close);
    connect(close, &QToolButton::clicked, this, &QWidget::hide);
    connect(backUp, &QPushButton::clicked, this, [this] {
        if (confirm(tr("Copy the damaged file?"),
                    tr("Conclave closes the file for a moment, copies it as it is beside the "
                       "old one, and opens it again."),
                    tr("Back up"))) {
            emit backUpAsked();
        }
    });
    connect(repair, &QPushButton::clicked, this, [this] {
        if (confirm(tr("Repair the file with your chats and documents?"),
                    tr("Conclave closes it, saves what can be read into a new file, and opens "
                       "that. The damaged file is kept beside it. Afterwards you see what could "
                       "not be saved."),
                    tr("Repair"))) {
            emit repairAsked();
        }
    });
    hide();
}

void DamageBar::tell(const QString& detail) {
    m_text->setToolTip(detail);
    show();
}

bool DamageBar::confirm(const QString& what, const QString& more, const QString& action) {
    QMessageBox box(QMessageBox::Question, tr("Conclave"), what, QMessageBox::Cancel, window());
    box.setInformativeText(more);
    QPushButton* yes = box.addButton(action, QMessageBox::AcceptRole);
    box.setDefaultButton(yes);
    box.exec();
    return box.clickedButton() == yes;
}

}  // namespace conclave::ui
