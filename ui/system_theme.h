// system_theme.h: asks the desktop whether it is dark, and hears when that changes.
#pragma once

#include <QDBusVariant>
#include <QObject>

namespace conclave::ui {

/// Follows the desktop portal's colour scheme (GNOME, KDE and others), which a program's palette
/// does not show without that desktop's own plugin. Does nothing where there is no portal.
class SystemTheme : public QObject {
    Q_OBJECT
public:
    explicit SystemTheme(QObject* parent);

private slots:
    void settingChanged(const QString& group, const QString& key, const QDBusVariant& value);
};

}  // namespace conclave::ui
