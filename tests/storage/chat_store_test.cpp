#include "storage_support.h"

namespace conclave::storage {
namespace {

TEST_F(StorageTest, KeepsAChatOverARestart) {
    ChatId chat = 0;
    {
        auto database = open();
        chat = valueOf(database->chats().createChat({.title = "Travel"}));
    }
    auto database = open();
    EXPECT_EQ(valueOf(database->chats().chat(chat)).title, "Travel");
    expectSound(*database);
}

}  // namespace
}  // namespace conclave::storage
