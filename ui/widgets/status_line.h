// status_line.h: one quiet line below everything: the model, the context meter, the speed.
#pragma once

#include <QWidget>

#include "app/services/services.h"

class QLabel;
class QProgressBar;
class QToolButton;

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
    /// What is read now, or waits while reading is paused; empty: nothing.
    void setIndexing(const QString& text, bool isPaused);

signals:
    void pauseAsked(bool isPaused);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    ElidedLabel* m_model;
    ElidedLabel* m_indexing;
    QToolButton* m_pause;
    bool m_isPaused = false;
    QLabel* m_speed;
    QLabel* m_context;
    QProgressBar* m_meter;
};

}  // namespace conclave::ui
