/* Chat templates: what is put around a user's text, held against what Jinja makes of the published templates, and the ids of it.
 *
 * The expected strings were rendered with Jinja 3.1 (trim_blocks, lstrip_blocks, as transformers sets them) from the templates
 * below for one user message with add_generation_prompt; bos_token was set to nothing, because BOS is an id here. */
/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/chat.h"
#include "engine/gguf_write.h"

enum { TOKENS = 160, BOS = 1, EOS = 2, FIRST = 3 };

static const char *const control[] = {"<|im_start|>",   "<|im_end|>",          "<|im_sep|>",        "<|start_header_id|>",
                                      "<|eot_id|>",     "<|end_header_id|>",   "<start_of_turn>",   "<end_of_turn>",
                                      "<|user|>",       "<|end|>",             "<|assistant|>",     "[INST]",
                                      "[/INST]"};
enum { CONTROLS = sizeof control / sizeof *control, LETTERS = FIRST + CONTROLS };

struct file {
    struct gguf g;
    struct tokenizer *t;
    struct chat *c;
};

/* A vocabulary of those control tokens and of ASCII, with a chat template (NULL: none). */
static int open_file(struct file *f, const char *template, int add_bos, struct err *e)
{
    struct gguf_writer *w;
    struct gguf_str piece[TOKENS] = {{"<unk>", 5}, {"<s>", 3}, {"</s>", 4}};
    int32_t type[TOKENS] = {2, 3, 3};
    float score[TOKENS] = {0};
    static char letter[128];
    int n = FIRST;
    *f = (struct file){0};
    for (int i = 0; i < CONTROLS; i++, n++) {
        piece[n] = (struct gguf_str){control[i], strlen(control[i])};
        type[n] = 3;
    }
    for (int c = '\n'; c < 127; c++, n++) {
        letter[c] = (char)c;
        piece[n] = (struct gguf_str){&letter[c], 1};
        type[n] = 1;
    }
    assert_int_equal(gguf_write_open(&w, test_file("chat.gguf"), e), 0);
    gguf_write_string(w, "tokenizer.ggml.model", "llama");
    gguf_write_strings(w, "tokenizer.ggml.tokens", piece, (uint64_t)n);
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_F32, score, (uint64_t)n);
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, type, (uint64_t)n);
    gguf_write_bool(w, "tokenizer.ggml.add_bos_token", add_bos);
    gguf_write_bool(w, "tokenizer.ggml.add_space_prefix", 0);
    if (template)
        gguf_write_string(w, "tokenizer.chat_template", template);
    assert_int_equal(gguf_write_finish(w, e), 0);
    return gguf_open(&f->g, test_file("chat.gguf"), 0, e) || tokenizer_open(&f->t, &f->g, e) || chat_open(&f->c, &f->g, f->t, e);
}

static void close_file(struct file *f)
{
    chat_close(f->c);
    tokenizer_close(f->t);
    gguf_close(&f->g);
}

#define USER "  Hi 'you' "

static const struct {
    const char *name, *source, *template;
    const char *before, *text, *after; /* what the prompt is */
    const char *end;
    int bos;
} published[] = {
    {"chatml", "teknium/OpenHermes-2.5-Mistral-7B, tokenizer_config.json",
     ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
      "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"),
     "<|im_start|>user\n", USER, "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>", 0},
    {"chatml", "HuggingFaceTB/SmolLM2-135M-Instruct, tokenizer_config.json",
     ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a "
      "helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + "
      "'\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
      "}}{% endif %}"),
     "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\n", USER,
     "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>", 0},
    {"chatml", "Qwen/Qwen2.5-0.5B-Instruct, tokenizer_config.json, without its branches for tool calls",
     ("{%- if tools %}\n    {{- '<|im_start|>system\\n' }}\n    {%- if messages[0]['role'] == 'system' %}\n        {{- "
      "messages[0]['content'] }}\n    {%- else %}\n        {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful "
      "assistant.' }}\n    {%- endif %}\n{%- else %}\n    {%- if messages[0]['role'] == 'system' %}\n        {{- "
      "'<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}\n    {%- else %}\n        {{- "
      "'<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}\n    {%- endif "
      "%}\n{%- endif %}\n{%- for message in messages %}\n    {%- if (message.role == \"user\") or (message.role == \"system\" and "
      "not loop.first) %}\n        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n    {%- "
      "endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n"),
     ("<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
      "<|im_start|>user\n"),
     USER, "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>", 0},
    {"phi-4", "microsoft/phi-4, tokenizer_config.json",
     ("{% for message in messages %}{% if (message['role'] == 'system') %}{{'<|im_start|>system<|im_sep|>' + message['content'] + "
      "'<|im_end|>'}}{% elif (message['role'] == 'user') %}{{'<|im_start|>user<|im_sep|>' + message['content'] + "
      "'<|im_end|><|im_start|>assistant<|im_sep|>'}}{% elif (message['role'] == 'assistant') %}{{message['content'] + "
      "'<|im_end|>'}}{% endif %}{% endfor %}"),
     "<|im_start|>user<|im_sep|>", USER, "<|im_end|><|im_start|>assistant<|im_sep|>", "<|im_end|>", 0},
    {"llama3", "meta-llama/Meta-Llama-3-8B-Instruct, tokenizer_config.json",
     ("{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + "
      "message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set "
      "content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{{ "
      "'<|start_header_id|>assistant<|end_header_id|>\n\n' }}"),
     "<|start_header_id|>user<|end_header_id|>\n\n", "Hi 'you'", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
     "<|eot_id|>", 1},
    {"llama3.1", "meta-llama/Llama-3.2-1B-Instruct, tokenizer_config.json, without its branches for tools and system messages",
     ("{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- if strftime_now is defined %}\n        {%- set "
      "date_string = strftime_now(\"%d %b %Y\") %}\n    {%- else %}\n        {%- set date_string = \"26 Jul 2024\" %}\n    {%- "
      "endif %}\n{%- endif %}\n{%- set system_message = \"\" %}\n{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}\n{{- "
      "\"Cutting Knowledge Date: December 2023\\n\" }}\n{{- \"Today Date: \" + date_string + \"\\n\\n\" }}\n{{- system_message "
      "}}\n{{- \"<|eot_id|>\" }}\n{%- for message in messages %}\n        {{- '<|start_header_id|>' + message['role'] + "
      "'<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n  "
      "  {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n"),
     ("<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|>"
      "<|start_header_id|>user<|end_header_id|>\n\n"),
     "Hi 'you'", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>", 1},
    {"gemma", "google/gemma-7b-it, tokenizer_config.json",
     ("{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for "
      "message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles "
      "must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = "
      "'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\\n' + message['content'] | "
      "trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}"),
     "<start_of_turn>user\n", "Hi 'you'", "<end_of_turn>\n<start_of_turn>model\n", "<end_of_turn>", 1},
    {"gemma", "google/gemma-3-1b-it, tokenizer_config.json, without its branches for system messages and images",
     ("{{ bos_token }}\n{%- set first_user_prefix = \"\" -%}\n{%- set loop_messages = messages -%}\n{%- for message in "
      "loop_messages -%}\n    {%- if (message['role'] == 'assistant') -%}\n        {%- set role = \"model\" -%}\n    {%- else "
      "-%}\n        {%- set role = message['role'] -%}\n    {%- endif -%}\n    {{ '<start_of_turn>' + role + '\n' + "
      "(first_user_prefix if loop.first else \"\") }}\n    {%- if message['content'] is string -%}\n        {{ "
      "message['content'] | trim }}\n    {%- endif -%}\n    {{ '<end_of_turn>\n' }}\n{%- endfor -%}\n{%- if add_generation_prompt "
      "-%}\n    {{'<start_of_turn>model\n'}}\n{%- endif -%}\n"),
     "<start_of_turn>user\n", "Hi 'you'", "<end_of_turn>\n<start_of_turn>model\n", "<end_of_turn>", 1},
    {"phi-3", "microsoft/Phi-3-mini-4k-instruct, tokenizer_config.json",
     ("{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') %}{{'<|user|>' + '\n' + message['content'] + "
      "'<|end|>' + '\n' + '<|assistant|>' + '\n'}}{% elif (message['role'] == 'assistant') %}{{message['content'] + '<|end|>' + "
      "'\n'}}{% endif %}{% endfor %}"),
     "<|user|>\n", USER, "<|end|>\n<|assistant|>\n", "<|end|>", 1},
    {"phi-3", "microsoft/Phi-3-vision-128k-instruct, tokenizer_config.json",
     ("{% for message in messages %}{{'<|' + message['role'] + '|>' + '\n' + message['content'] + '<|end|>\n' }}{% endfor %}{% if "
      "add_generation_prompt and messages[-1]['role'] != 'assistant' %}{{- '<|assistant|>\n' -}}{% endif %}"),
     "<|user|>\n", USER, "<|end|>\n<|assistant|>\n", "<|end|>", 0},
    {"phi-4-mini", "microsoft/Phi-4-mini-instruct, tokenizer_config.json",
     ("{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not none "
      "%}{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' + '<|end|>' }}{% "
      "else %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}{% if "
      "add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"),
     "<|user|>", USER, "<|end|><|assistant|>", "<|end|>", 0},
    {"mistral-v0", "mistralai/Mistral-7B-Instruct-v0.2, tokenizer_config.json as first published",
     ("{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ "
      "raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] "
      "== 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ "
      "message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif "
      "%}{% endfor %}"),
     "[INST] ", USER, " [/INST]", "</s>", 1},
    {"mistral-v1", "mistralai/Mistral-7B-Instruct-v0.2, tokenizer_config.json",
     ("{%- set loop_messages = messages %}\n{{- bos_token }}\n{%- for message in loop_messages %}\n    {%- if message['role'] == "
      "'user' %}\n        {%- if loop.first and system_message is defined %}\n            {{- ' [INST] ' + system_message + "
      "'\\n\\n' + message['content'] + ' [/INST]' }}\n        {%- else %}\n            {{- ' [INST] ' + message['content'] + ' "
      "[/INST]' }}\n        {%- endif %}\n    {%- elif message['role'] == 'assistant' %}\n        {{- ' ' + message['content'] + "
      "eos_token}}\n    {%- endif %}\n{%- endfor %}\n"),
     " [INST] ", USER, " [/INST]", "</s>", 1},
    {"mistral-v3", "mistralai/Mistral-Large-Instruct-2407, tokenizer_config.json, without its branches for tools",
     ("{{- bos_token }}\n{%- for message in messages %}\n    {%- if message[\"role\"] == \"user\" %}\n        {%- if loop.last and "
      "system_message is defined %}\n            {{- \"[INST] \" + system_message + \"\\n\\n\" + message[\"content\"] + "
      "\"[/INST]\" }}\n        {%- else %}\n            {{- \"[INST] \" + message[\"content\"] + \"[/INST]\" }}\n        {%- endif "
      "%}\n    {%- elif message[\"role\"] == \"assistant\" %}\n        {{- \" \" + message[\"content\"]|trim + eos_token}}\n    "
      "{%- endif %}\n{%- endfor %}\n"),
     "[INST] ", USER, "[/INST]", "</s>", 1},
    {"mistral-v3-tekken", "mistralai/Mistral-Nemo-Instruct-2407, tokenizer_config.json, without its branches for tools",
     ("{{- bos_token }}\n{%- for message in messages %}\n    {%- if message[\"role\"] == \"user\" %}\n        {%- if loop.last and "
      "system_message is defined %}\n            {{- \"[INST]\" + system_message + \"\\n\\n\" + message[\"content\"] + "
      "\"[/INST]\" }}\n        {%- else %}\n            {{- \"[INST]\" + message[\"content\"] + \"[/INST]\" }}\n        {%- endif "
      "%}\n    {%- elif message[\"role\"] == \"assistant\" %}\n        {{- message[\"content\"] + eos_token}}\n    {%- endif %}\n"
      "{%- endfor %}\n"),
     "[INST]", USER, "[/INST]", "</s>", 1},
    {"llama2", "meta-llama/Llama-2-7b-chat-hf, tokenizer_config.json",
     ("{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = "
      "messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for "
      "message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation "
      "roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false "
      "%}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = "
      "message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' "
      "}}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"),
     "[INST] ", "Hi 'you'", " [/INST]", "</s>", 1},
    {"zephyr", "HuggingFaceH4/zephyr-7b-beta and TinyLlama/TinyLlama-1.1B-Chat-v1.0, tokenizer_config.json",
     ("{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token "
      "}}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] "
      "== 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and "
      "add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"),
     "<|user|>\n", USER, "</s>\n<|assistant|>\n", "</s>", 0},
};

static void the_prompt_is_what_jinja_makes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        struct file f;
        struct err e;
        struct tokenizer_part p[CHAT_PARTS];
        struct text got = {0}, want = {0};
        int *ids, n;
        if (open_file(&f, published[i].template, 0, &e))
            fail_msg("%s: %s", published[i].source, e.msg);
        if (!chat_name(&f.g) || strcmp(chat_name(&f.g), published[i].name))
            fail_msg("%s: recognised as %s", published[i].source, chat_name(&f.g));
        chat_parts(f.c, USER, strlen(USER), p);
        for (int k = 0; k < CHAT_PARTS; k++)
            text_printf(&got, "%s%.*s", k ? "|" : "", (int)p[k].n, p[k].p);
        text_printf(&want, "%s|%s|%s", published[i].before, published[i].text, published[i].after);
        if (strcmp(got.p, want.p))
            fail_msg("%s: the prompt is\n%s\nand should be\n%s", published[i].source, got.p, want.p);
        assert_int_equal(chat_end(f.c), tokenizer_special(f.t, published[i].end));
        assert_int_equal(chat_encode(f.c, USER, strlen(USER), "", 0, &ids, &n, &e), 0);
        if ((ids[0] == BOS) != published[i].bos)
            fail_msg("%s: BOS is %s", published[i].source, published[i].bos ? "missing" : "there");
        free(ids);
        text_free(&got);
        text_free(&want);
        close_file(&f);
    }
}

static void expect_ids(const struct chat *c, const char *user, const char *answer, const char *wanted)
{
    struct err e;
    struct text got = {0};
    int *ids, n;
    assert_int_equal(chat_encode(c, user, strlen(user), answer, strlen(answer), &ids, &n, &e), 0);
    for (int i = 0; i < n; i++) /* a letter is itself, a control token its number in brackets */
        if (ids[i] < LETTERS)
            text_printf(&got, "[%d]", ids[i]);
        else
            text_printf(&got, "%c", ids[i] - LETTERS + '\n');
    if (strcmp(got.p, wanted))
        fail_msg("\"%s\" became\n%s\nand should become\n%s", user, got.p, wanted);
    text_free(&got);
    free(ids);
}

/* Who types a control token's name gets its letters. */
static void a_user_types_no_control_token(void **state)
{
    (void)state;
    struct file f;
    struct err e;
    assert_int_equal(open_file(&f, published[0].template, 1, &e), 0); /* BOS: the vocabulary wants it */
    expect_ids(f.c, "a<|im_end|>", "", "[1][3]user\na<|im_end|>[4]\n[3]assistant\n");
    expect_ids(f.c, "<|im_start|>", "</s>", "[1][3]user\n<|im_start|>[4]\n[3]assistant\n</s>");
    expect_ids(f.c, "", "b", "[1][3]user\n[4]\n[3]assistant\nb");
    close_file(&f);
}

/* Phi-3's tokens swallow the white space behind them, the user's too. */
static void swallowed_white_space_has_no_ids(void **state)
{
    (void)state;
    struct file f;
    struct err e;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        if (strcmp(published[i].name, "phi-3") != 0 || published[i].bos)
            continue;
        assert_int_equal(open_file(&f, published[i].template, 0, &e), 0);
        expect_ids(f.c, " \n a b ", "", "[11]a b [12][13]");
        expect_ids(f.c, "", " x", "[11][12][13]x");
        close_file(&f);
    }
}

static void what_is_not_known_is_not_guessed(void **state)
{
    (void)state;
    static const struct {
        const char *template, *name;
    } cases[] = {
        {NULL, NULL},
        {"", CHAT_UNKNOWN},
        {"{{ messages[0]['content'] }}", CHAT_UNKNOWN},
        /* SeaLLM: chatml whose turns end with <eos> */
        {"{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<eos>' + '\\n'}}{{ '<|im_start|>assistant\\n' }}",
         CHAT_UNKNOWN},
        /* SmolLM3: a system turn that is computed */
        {"{{- \"<|im_start|>system\\n\" -}}{%- set today = strftime_now(\"%d %B %Y\") -%}<|im_end|>{{ '<|im_start|>assistant\\n' }}",
         CHAT_UNKNOWN},
        /* LLaMA-Pro: zephyr without an end of the user's turn */
        {"{{ '<|user|>\n' + message['content'] }}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n", CHAT_UNKNOWN},
        /* Mistral Small 3.1 has a long system prompt of its own */
        {"[SYSTEM_PROMPT]{{ '[INST]' + message['content'] + '[/INST]' }}", CHAT_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct file f;
        struct err e;
        assert_int_equal(open_file(&f, cases[i].template, 0, &e), 0);
        assert_null(f.c);
        const char *name = chat_name(&f.g);
        if (!name != !cases[i].name || (name && strcmp(name, cases[i].name)))
            fail_msg("%s: recognised as %s", cases[i].template, name ? name : "none");
        close_file(&f);
    }
}

static void a_turn_without_a_token_of_its_own_ends_at_eos(void **state)
{
    (void)state;
    struct file f;
    struct err e;
    assert_int_equal(open_file(&f, published[sizeof published / sizeof *published - 1].template, 0, &e), 0);
    assert_int_equal(chat_end(f.c), EOS);
    expect_ids(f.c, "a", "", "[11]\na[2]\n[13]\n");
    close_file(&f);
}

static void a_template_that_is_no_text_is_named(void **state)
{
    (void)state;
    struct gguf_writer *w;
    struct gguf g;
    struct chat *c;
    struct err e = {0};
    assert_int_equal(gguf_write_open(&w, test_file("bad.gguf"), &e), 0);
    gguf_write_u32(w, "tokenizer.chat_template", 7);
    assert_int_equal(gguf_write_finish(w, &e), 0);
    assert_int_equal(gguf_open(&g, test_file("bad.gguf"), 0, &e), 0);
    assert_int_equal(chat_open(&c, &g, NULL, &e), -1);
    assert_null(c);
    assert_non_null(strstr(e.msg, "tokenizer.chat_template"));
    gguf_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_prompt_is_what_jinja_makes),   cmocka_unit_test(a_user_types_no_control_token),
        cmocka_unit_test(swallowed_white_space_has_no_ids), cmocka_unit_test(what_is_not_known_is_not_guessed),
        cmocka_unit_test(a_turn_without_a_token_of_its_own_ends_at_eos),
        cmocka_unit_test(a_template_that_is_no_text_is_named),
    };
    return cmocka_run_group_tests(tests, test_dir_make, test_dir_remove);
}
