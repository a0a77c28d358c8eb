// model_picker.h: the button in the header that shows and changes the model.
#pragma once

#include <QToolButton>
#include <vector>

#include "app/services/services.h"

namespace conclave::ui {

class ModelPicker : public QToolButton {
    Q_OBJECT
public:
    ModelPicker(services::ModelService& models, QWidget* parent);

    void setStatus(const services::ModelStatus& status);
    /// Longest name in pixels; a longer one loses its middle.
    void setRoom(int pixels);
    /// Makes a file or folder choosable; a single new model is chosen.
    void add(const QString& fileOrFolder);
    void addFile();
    void addFolder();
    void showHelp();
    void reload();

signals:
    void notice(const QString& text);
    void failed(const QString& what);

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    void fillMenu();
    void keepMenuInside();
    void choose(const std::filesystem::path& file);

    services::ModelService& m_models;
    std::vector<services::ModelEntry> m_entries;
    services::ModelStatus m_status;
    bool m_loaded = false;
    int m_room = 320;
};

/// "Q8_0 · 20 M parameters, 7 M active · 24 MB".
[[nodiscard]] QString describeModel(const services::ModelEntry& entry);

}  // namespace conclave::ui
