// switch.h: a check box that looks like the switch it is.
#pragma once

#include <QCheckBox>

namespace conclave::ui {

class Switch : public QCheckBox {
public:
    /// `name`: what screen readers say; the words beside it are the owner's.
    Switch(const QString& name, QWidget* parent);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;
    [[nodiscard]] bool hitButton(const QPoint& position) const override;
};

}  // namespace conclave::ui
