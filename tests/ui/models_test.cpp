#include <gtest/gtest.h>

#include <QAbstractItemModelTester>
#include <QSignalSpy>

#include "ui/bridge.h"
#include "ui/models/chat_list_model.h"
#include "ui/models/collection_model.h"
#include "ui/models/message_model.h"

namespace conclave::ui {
namespace {

using namespace services;
using Tester = QAbstractItemModelTester;
constexpr auto kFatal = QAbstractItemModelTester::FailureReportingMode::Fatal;

Chat chat(ChatId id, const std::string& title, int daysAgo, bool pinned = false) {
    Chat result;
    result.id = id;
    result.title = title;
    result.pinned = pinned;
    const QDateTime noon(QDate(2026, 6, 15).addDays(-daysAgo), QTime(12, 0));
    result.updated = storage::Time(std::chrono::milliseconds(noon.toMSecsSinceEpoch() + id));
    return result;
}

Message message(MessageId id, std::optional<MessageId> parent, Role role,
                const std::string& text = "text") {
    Message result;
    result.id = id;
    result.parent = parent;
    result.role = role;
    result.text = text;
    return result;
}

QStringList rowsOf(const QAbstractItemModel& model) {
    QStringList rows;
    for (int row = 0; row < model.rowCount(); ++row) rows << model.index(row, 0).data().toString();
    return rows;
}

TEST(ChatListModel, GroupsByDay) {
    ChatListModel model;
    const Tester tester(&model, kFatal);
    model.setToday(QDate(2026, 6, 15));
    model.setChats({chat(1, "old", 30), chat(2, "week", 4), chat(3, "yesterday", 1),
                    chat(4, "now", 0), chat(5, "pin", 90, true)});
    EXPECT_EQ(rowsOf(model), (QStringList{"Pinned", "pin", "Today", "now", "Yesterday", "yesterday",
                                          "Previous 7 days", "week", "Older", "old"}));
    EXPECT_FALSE(model.index(0, 0).flags() & Qt::ItemIsSelectable);
}

TEST(ChatListModel, MovesRowsWithoutReset) {
    ChatListModel model;
    const Tester tester(&model, kFatal);
    model.setToday(QDate(2026, 6, 15));
    model.setChats({chat(1, "a", 0), chat(2, "b", 1), chat(3, "c", 2)});
    const QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
    model.setChats({chat(1, "a", 0), chat(2, "b", 0), chat(4, "d", 0)});
    model.setChats({});
    model.setChats({chat(9, "z", 0)});
    EXPECT_EQ(resets.count(), 0);
    EXPECT_EQ(rowsOf(model), (QStringList{"Today", "z"}));
}

TEST(ChatListModel, ListsTitlesAndMessagesOfASearch) {
    ChatListModel model;
    const Tester tester(&model, kFatal);
    model.setChats({chat(1, "Travel policy", 0), chat(2, "Printer", 0)});
    MessageHit hit;
    hit.chat = 2;
    hit.message = 7;
    hit.chatTitle = "Printer";
    hit.snippet = "the \uE000travel\uE001 adapter";
    model.setSearch("travel", {hit});
    EXPECT_EQ(rowsOf(model), (QStringList{"Chats", "Travel policy", "Messages", "Printer"}));
    EXPECT_EQ(model.index(3, 0).data(ChatListModel::MessageRole).toLongLong(), 7);
    model.setSearch("nowhere", {});
    EXPECT_EQ(rowsOf(model), QStringList{"Nothing found"});
    model.setSearch("", {});
    EXPECT_EQ(model.rowCount(), 3);
}

TEST(ChatListModel, RenamesInPlace) {
    ChatListModel model;
    const Tester tester(&model, kFatal);
    model.setChats({chat(1, "a", 0)});
    QSignalSpy renamed(&model, &ChatListModel::renamed);
    const QModelIndex row = model.indexOf(1);
    EXPECT_FALSE(model.setData(row, "   ", Qt::EditRole));
    EXPECT_TRUE(model.setData(row, "  new   name ", Qt::EditRole));
    ASSERT_EQ(renamed.count(), 1);
    EXPECT_EQ(renamed[0][1].toString().toStdString(), "new name");
}

TEST(MessageModel, ShowsTheBranchOfTheLeaf) {
    MessageModel model;
    const Tester tester(&model, kFatal);
    model.setTree(
        {message(1, {}, Role::User), message(2, 1, Role::Assistant), message(3, 1, Role::Assistant),
         message(4, 2, Role::User), message(5, 4, Role::Assistant)},
        5);
    ASSERT_EQ(model.rowCount(), 4);
    EXPECT_EQ(model.branchPlace(2).index, 0);
    EXPECT_EQ(model.branchPlace(2).count, 2);
    EXPECT_EQ(model.siblingLeaf(2, 1), std::optional<MessageId>(3));
    EXPECT_EQ(model.siblingLeaf(3, -1), std::optional<MessageId>(5));
    EXPECT_EQ(model.siblingLeaf(2, -1), std::nullopt);
    const QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
    model.showBranch(3);
    EXPECT_EQ(model.rowCount(), 2);
    EXPECT_EQ(model.at(1).id, 3);
    model.showBranch(5);
    EXPECT_EQ(model.rowCount(), 4);
    EXPECT_EQ(resets.count(), 0);
}

TEST(MessageModel, GrowsTextRowByRow) {
    MessageModel model;
    const Tester tester(&model, kFatal);
    model.setTree({message(1, {}, Role::User)}, 1);
    model.put(message(2, 1, Role::Assistant, ""), true);
    model.setRunning(2, true);
    QSignalSpy changes(&model, &QAbstractItemModel::dataChanged);
    model.setText(2, "Some text", 12.0);
    ASSERT_EQ(changes.count(), 1);
    EXPECT_EQ(changes[0][0].toModelIndex().row(), 1);
    EXPECT_EQ(model.index(1).data().toString().toStdString(), "Some text");
    model.setText(99, "unknown", 1.0);
    EXPECT_EQ(changes.count(), 1);
}

TEST(MessageModel, SurvivesACircleOfParents) {
    MessageModel model;
    const Tester tester(&model, kFatal);
    model.setTree({message(1, 2, Role::User), message(2, 1, Role::Assistant)}, 2);
    EXPECT_EQ(model.rowCount(), 2);
}

TEST(CollectionModel, KeepsProgressBesideItsCollection) {
    CollectionModel model;
    const Tester tester(&model, kFatal);
    Collection a;
    a.id = 1;
    a.name = "A";
    Collection b;
    b.id = 2;
    b.name = "B";
    model.setCollections({a, b});
    model.setProgress({2, "B", IndexProgress::State::Reading, 1, 4, "x", {}});
    EXPECT_DOUBLE_EQ(model.index(1).data(CollectionModel::ProgressRole).toDouble(), 0.25);
    model.setCollections({b});
    ASSERT_EQ(model.rowCount(), 1);
    EXPECT_TRUE(model.index(0).data(CollectionModel::RunningRole).toBool());
    model.setProgress({2, "B", IndexProgress::State::Done, 4, 4, "", {}});
    EXPECT_FALSE(model.index(0).data(CollectionModel::RunningRole).toBool());
    model.setProgress({77, "?", IndexProgress::State::Done, 0, 0, "", {}});
}

TEST(Errors, EveryCodeHasASentence) {
    for (int code = 0; code <= static_cast<int>(ErrorCode::Internal); ++code) {
        EXPECT_FALSE(errorText({static_cast<ErrorCode>(code), {}}).isEmpty()) << code;
    }
    EXPECT_TRUE(errorText({ErrorCode::NotFound, "model.gguf"}).contains("model.gguf"));
}

}  // namespace
}  // namespace conclave::ui
