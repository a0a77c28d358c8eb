// filter_bar.h: the filter of a chat as chips that can be taken out.
#pragma once

#include <QList>
#include <QWidget>
#include <functional>

#include "app/services/services.h"

namespace conclave::ui {

/// Hidden while nothing is filtered.
class FilterBar : public QWidget {
    Q_OBJECT
public:
    explicit FilterBar(QWidget* parent);

    void setFilter(const services::DocumentFilter& filter);
    [[nodiscard]] const services::DocumentFilter& filter() const { return m_filter; }

signals:
    /// A chip was taken out, or all of them.
    void changed(const conclave::services::DocumentFilter& filter);
    /// A chip was clicked: it is to be changed.
    void openAsked();

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void rebuild();
    /// `without` takes from the filter what the chip stands for.
    QWidget* makeChip(const QString& text, const QString& what,
                      const std::function<void(services::DocumentFilter&)>& without);
    void layOut();

    services::DocumentFilter m_filter;
    QList<QWidget*> m_chips;
};

}  // namespace conclave::ui
