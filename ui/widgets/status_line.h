// status_line.h: one quiet line below everything: the model, the context meter, the speed.
#pragma once

#include <QWidget>

#include "app/services/services.h"

class QLabel;
class QProgressBar;

namespace conclave::ui {

class ElidedLabel;

class StatusLine : public QWidget {
    Q_OBJECT
public:
    explicit StatusLine(QWidget* parent);
    void setModel(const services::ModelStatus& status);
    void setContext(const services::ContextUse& use);
    /// Of the answer that is being written, else of the last one; 0: none is known.
    void setSpeed(double tokensPerSecond);
    void setIndexing(const QString& text);

private:
    ElidedLabel* m_model;
    ElidedLabel* m_indexing;
    QLabel* m_speed;
    QLabel* m_context;
    QProgressBar* m_meter;
};

}  // namespace conclave::ui
