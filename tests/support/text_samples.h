// text_samples.h: small mails, JSON files, notebooks and sources, written by hand.
#pragma once

#include <string>

namespace conclave::test {

inline const std::string kMailSample =
    "Received: from x\r\nFrom: =?utf-8?Q?J=C3=B6rg?= <joerg@example.org>\r\n"
    "To: Ann <ann@example.org>,\r\n Bob <bob@example.org>\r\n"
    "Subject: =?GB2312?B?16HL3rfR?= =?utf-8?B?IGFuZA==?=\r\n =?utf-8?Q?_food?=\r\n"
    "Date: Tue, 5 Mar 2024 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=\"outer b\"\r\n\r\npreamble\r\n--outer b\r\n"
    "Content-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\n"
    "Content-Type: text/plain; charset=iso-8859-1; format=flowed\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nHotels cost at most =\r\n120 =A4 a=20\r\n"
    "night. See Caf=E9.\r\n--inner\r\nContent-Type: text/html; charset=utf-8\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nPHA+SG90ZWxzPC9wPg==\r\n--inner--\r\n"
    "--outer b\r\nContent-Type: application/pdf; name*=utf-8''r%C3%A8gles.pdf\r\n"
    "Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n"
    "--outer b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: c@example.org\r\n\r\n"
    "Forwarded words.\r\n--outer b--\r\nepilogue\r\n";

inline const std::string kMboxSample =
    "From a@example.org Tue Mar  5 10:00:00 2024\nSubject: One\nFrom: a@example.org\n\n"
    "First mail.\n>From here on it is quoted.\nFrom this line nothing begins.\n\n"
    "From b@example.org Wed Mar  6 10:00:00 2024\nSubject: Two\nContent-Type: text/html\n\n"
    "<p>Second <b>mail</b></p><p style='display:none'>ghost</p>\n";

inline const std::string kJsonSample =
    "{\"title\":\"Costs\",\"total\":120.50,\"big\":12345678901234567890123,\"tags\":[\"a\",\"b\"],"
    "\"cities\":[{\"name\":\"Berlin\",\"limit\":120,\"geo\":{\"lat\":52.5,\"lon\":13.4}},"
    "{\"name\":\"東京\",\"limit\":null,\"open\":true}],\"rules\":{\"hotel\":{\"max\":5},"
    "\"note\":\"ask first\"}}";

inline const std::string kJsonLinesSample =
    "{\"id\":1,\"text\":\"first\\nline\"}\n\n{\"id\":2,\"text\":\"second\"}\nnot json\n[1,2]\n";

inline const std::string kNotebookSample =
    "{\"nbformat\":4,\"metadata\":{},\"cells\":[{\"cell_type\":\"markdown\",\"source\":[\"# "
    "Title\\n"
    "\",\"words\\n\"]},{\"cell_type\":\"code\",\"source\":\"# no heading\\nprint(1)\",\"outputs\":["
    "{\"output_type\":\"stream\",\"text\":[\"1\\n\"]},{\"data\":{\"image/png\":\"AAAA\","
    "\"text/plain\":\"<Figure>\"}},{\"ename\":\"ValueError\",\"evalue\":\"bad\"}]},"
    "{\"cell_type\":\"markdown\",\"source\":\"\\n## Part\\n\\nmore\"}]}";

inline const std::string kRstSample =
    "=====\nGuide\n=====\n\nIntro\n\nInstall\n-------\n\nRun it::\n\n    code\n    ----\n\nLinux\n"
    "~~~~~\n\ntext\n\nUse\n---\n\nA table\n\n===  ===\na    b\n===  ===\n\n住宿费\n------\n";

inline const std::string kCppSample =
    "// Copyright\n#include <x>\nnamespace a::b {\nnamespace {\nconstexpr int kX = 1'000;\n\n"
    "/// Doc of foo.\ntemplate <typename T>\nint foo(const T& x) {\n    if (x) { return 1; }\n"
    "    return 0;\n}\n}  // namespace\n\nstruct node *make(int n) { return nullptr; }\n\n"
    "class Bar : public Base {\npublic:\n    Bar() : m_a{1} {}\n    void run(int a = 3) const {\n"
    "        for (;;) {}\n    }\n};\nvoid Bar::go(std::string s) { puts(\"} {\"); }\n"
    "const char* kRaw = R\"(\nvoid notMe() {\n)\";\n}\n";

inline const std::string kPythonSample =
    "\"\"\"Module\ndef notme():\n\"\"\"\nimport os\n\n# about f\n@deco\ndef f(a):\n"
    "    def inner():\n        pass\n\nclass C(Base):\n    async def m(self):\n        s = '''\n"
    "def alsonot\n'''\n    def n(self): pass\n";

}  // namespace conclave::test
