// What every template is given: each conversation under each variant.
"use strict";

const weather = {
    type: "function",
    function: {
        name: "get_weather",
        description: "Weather \"now\" for a city <b>&</b>.\nSecond line, 東京 too.",
        parameters: {
            type: "object",
            properties: {
                city: { type: "string", description: "Name of the city" },
                days: { type: "integer", description: "How many days", default: 3 },
                unit: { type: "string", enum: ["celsius", "fahrenheit"] },
                places: { type: "array", items: { type: "string" } },
                precise: { type: ["boolean", "null"] },
                where: { type: "object", properties: { lat: { type: "number", minimum: -90.5 } } },
            },
            required: ["city"],
        },
        return: { type: "object", properties: { temperature: { type: "number" } } },
    },
};
const clock = {
    type: "function",
    function: { name: "clock", description: "The time", parameters: { type: "object", properties: {} } },
};

const call = (id, name, args) => ({ id, type: "function", function: { name, arguments: args } });
const system = { role: "system", content: "You are  brief.\n" };
const ask = { role: "user", content: " What's the weather in \"Paris\" & 東京? 🌦️ " };
const thanks = { role: "user", content: "Thanks.\n\nAnd in <b>Rome</b>?" };
const answer = { role: "assistant", content: "  It is 21 °C.\n" };
const paris = { city: "Paris", days: 2, precise: true, places: ["a", "b"], where: { lat: 48.5 }, note: null };
const callParis = call("call0Pari", "get_weather", paris);
const callTokyo = call("call1Toky", "get_weather", { city: "東京", note: "it's \"hot\"\n" });
const toolResult = { role: "tool", tool_call_id: "call0Pari", name: "get_weather", content: '{"temperature": 21.5}' };
const secondResult = { role: "tool", tool_call_id: "call1Toky", name: "get_weather", content: "rain\nall day" };

exports.conversations = {
    one: { messages: [ask] },
    withSystem: { messages: [system, ask] },
    severalTurns: { messages: [system, ask, answer, thanks] },
    severalTurnsBare: { messages: [ask, answer, thanks, answer, ask] },
    endsWithAnswer: { messages: [system, ask, answer] },
    emptyTexts: { messages: [{ role: "system", content: "" }, { role: "user", content: "" },
        { role: "assistant", content: "" }, { role: "user", content: "x" }] },
    onlySystem: { messages: [system] },
    none: { messages: [] },
    twoUsers: { messages: [ask, thanks] },
    startsWithAnswer: { messages: [answer, ask] },
    lateSystem: { messages: [ask, answer, system, thanks] },
    unknownRole: { messages: [ask, { role: "narrator", content: "Night falls." }] },
    developer: { messages: [{ role: "developer", content: "Be kind." }, ask] },
    parts: { messages: [{ role: "user", content: [{ type: "text", text: "Look " }, { type: "text", text: "here" }] }] },
    image: { messages: [{ role: "user", content: [{ type: "image" }, { type: "text", text: "What is it?" }] }] },
    thinkInline: { messages: [ask, { role: "assistant", content: "<think>\nhm, \"a\"\n</think>\n\nSunny." }, thanks] },
    reasoning: { messages: [system, ask, { ...answer, reasoning_content: "Let me see.\n" }, thanks] },
    reasoningLast: { messages: [ask, { ...answer, reasoning_content: "First, the city." }] },
    thinking: { messages: [ask, { ...answer, thinking: "Easy." }, thanks] },
    tools: { messages: [system, ask], tools: [weather, clock] },
    toolsBare: { messages: [ask], tools: [weather] },
    noTools: { messages: [system, ask], tools: [] },
    nullTools: { messages: [system, ask], tools: null },
    toolCall: { messages: [system, ask, { role: "assistant", content: "", tool_calls: [callParis] }],
        tools: [weather, clock] },
    toolResult: { messages: [ask, { role: "assistant", content: "", tool_calls: [callParis] }, toolResult],
        tools: [weather, clock] },
    toolRound: { messages: [system, ask, { role: "assistant", content: null, tool_calls: [callParis] }, toolResult,
        answer, thanks], tools: [weather] },
    toolRoundMissingContent: { messages: [system, ask, { role: "assistant", tool_calls: [callParis] }, toolResult,
        answer, thanks], tools: [weather] },
    twoCalls: { messages: [ask, { role: "assistant", content: "Let me look.", tool_calls: [callParis, callTokyo] },
        toolResult, secondResult], tools: [weather, clock] },
    twoRounds: { messages: [system, ask, { role: "assistant", content: "", tool_calls: [callParis] }, toolResult,
        { role: "assistant", content: "", reasoning_content: "Now Tokyo.", tool_calls: [callTokyo] }, secondResult,
        answer, thanks], tools: [weather] },
    callWithReasoning: { messages: [ask, { role: "assistant", content: "", reasoning_content: "I need a tool.",
        tool_calls: [callParis] }, toolResult], tools: [weather] },
    textArguments: { messages: [ask, { role: "assistant", content: "",
        tool_calls: [call("call0Pari", "get_weather", JSON.stringify(paris))] }, toolResult], tools: [weather] },
    noArguments: { messages: [ask, { role: "assistant", content: "", tool_calls: [call("call0Cloc", "clock", {})] },
        { ...toolResult, tool_call_id: "call0Cloc", name: "clock", content: "12:00" }], tools: [clock] },
    callsWithoutTools: { messages: [ask, { role: "assistant", content: "", tool_calls: [callParis] }, toolResult] },
    documents: { messages: [system, ask], documents: [{ title: "travel policy", text: "Book early.\n\nPay late. " },
        { title: "", text: "x" }] },
};

exports.variants = {
    generation: { add_generation_prompt: true },
    closed: { add_generation_prompt: false },
    thinking: { add_generation_prompt: true, enable_thinking: true, thinking: true, reasoning_effort: "high" },
    quiet: { add_generation_prompt: true, enable_thinking: false, thinking: false, date_string: "01 Jan 2030" },
};
