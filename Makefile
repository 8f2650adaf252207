# make            builds build/bench
# make demo       sets the machine up, then runs the main job on the shipped model (MODEL=path.gguf: on that one)
# make test       sets the machine up, then runs every test (T=bench_gate: only those whose names begin so)
# make check      checks every kernel against its scalar definition, on every instruction set of this machine
# make check-asan every test and the check program under AddressSanitizer and UndefinedBehaviorSanitizer
# make check-arm  the same check for aarch64, by a cross compiler (CROSS=) and under an emulator (EMULATOR=); slow
# make fuzz-tokenizer, make fuzz-gguf   one minute of libFuzzer (FUZZ_SECONDS=3600: an hour)
# make quality    docs/quality.md anew: what each weight format costs the shipped model
# make lint       clang-tidy, cppcheck, headers compile alone, folders include only whom the design allows
# make format     clang-format on every C file
# make relinked   build/bench-relinked and -relinked-2, the same program linked in other orders, for bench gate
# make install    PREFIX=/usr/local
# make clean
#
# HWLOC=0 and PAPI=0 leave those libraries out.  INJECT='-DINJECT_DECODE_PPM=50000' makes a slower build (engine/inject.h).  O=dir builds elsewhere.  CC=clang works.  V=1 shows every command.

VERSION = 0.1.0
CC      = gcc
O       = build
PREFIX  = /usr/local
HWLOC   = 1
PAPI    = 1
OPT     = -O2
SANITIZE =

# -ffp-contract=off: a fused multiply-add happens where the source says so and nowhere else, so every build gives the same bits.
CFLAGS  = -std=gnu11 $(OPT) -g -ffp-contract=off -fno-math-errno -Wall -Wextra -Wpedantic -Werror -Wstrict-prototypes \
          -Wmissing-prototypes -Wshadow -Wvla $(SANITIZE)
CPPFLAGS = -I. -I$(O) -D_GNU_SOURCE
# A build that is slower by a share of its own work, to try the gate: engine/inject.h.
ifdef INJECT
CPPFLAGS += $(INJECT)
endif
LDLIBS  = -lsqlite3 -ljansson -linih -lsodium -lstemmer -lpcre2-8 -lpthread -lm
ifeq ($(HWLOC),1)
LDLIBS += -lhwloc
endif
ifeq ($(PAPI),1)
LDLIBS += -lpapi
endif

# Homebrew keeps headers and libraries where no compiler looks by itself.
BREW   := $(shell brew --prefix 2>/dev/null)
ifneq ($(BREW),)
CPPFLAGS += -I$(BREW)/include
LDFLAGS  += -L$(BREW)/lib
endif

ifndef V
say     = @echo '  $1  $@';
endif

ROOMS   = base kernels engine eval results bench
SRC     = $(foreach r,$(ROOMS) tests,$(wildcard $r/*.c $r/*/*.c))
obj     = $(patsubst %.c,$(O)/obj/%.o,$(wildcard $1/*.c $1/*/*.c))

.PHONY: all relinked setup demo quality test run-tests check check-asan check-arm lint format install clean always
.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:

all: $(O)/bench

# One library a room, so that a test links only the rooms that its own room may include.
$(O)/bench: $(call obj,bench) $(O)/libresults.a $(O)/libeval.a $(O)/libengine.a $(O)/libkernels.a $(O)/libbase.a
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The same objects in other orders: what of a difference is only where the code lies, bench gate sees when it is given all three.
relinked: $(O)/bench $(O)/bench-relinked $(O)/bench-relinked-2
$(O)/bench-relinked: order = sort -r
$(O)/bench-relinked-2: order = rev | sort | rev
$(O)/bench-relinked $(O)/bench-relinked-2: $(foreach r,$(ROOMS),$(call obj,$r))
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ `printf '%s\n' $^ | $(order)` $(LDLIBS)

$(foreach r,$(filter-out bench,$(ROOMS)),$(eval $(O)/lib$r.a: $(call obj,$r)))
$(O)/lib%.a:
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

GENERATED = $(O)/build_info.h $(O)/schema.h

$(O)/obj/%.o: %.c $(O)/flags | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Both are looked at every time and touched only when they would say something else: new flags compile everything again, a new
# commit only what prints it.
if_changed = cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(O)/flags: always
	@mkdir -p $(@D)
	@printf '%s\n' "`$(CC) --version 2>&1 | head -n 1`" '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS))' >$@.new; $(if_changed)

$(O)/build_info.h: always
	@mkdir -p $(@D)
	@printf '#define BUILD_%s "%s"\n' VERSION '$(VERSION)' \
	    COMMIT "`git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo unknown`" \
	    COMPILER "`$(CC) --version | head -n 1`" \
	    FLAGS '$(strip $(CFLAGS) $(INJECT)) HWLOC=$(HWLOC) PAPI=$(PAPI)' >$@.new; $(if_changed)

# With or without a library: few files care.
$(O)/libraries: always
	@mkdir -p $(@D)
	@echo 'HWLOC=$(HWLOC) PAPI=$(PAPI)' >$@.new; $(if_changed)
uses_libraries = $(O)/obj/bench/topology.o $(O)/obj/bench/probe/counters.o $(O)/obj/tests/bench_topology.o $(O)/obj/tests/bench_counters.o
$(uses_libraries): $(O)/libraries
$(uses_libraries): private CPPFLAGS += -DHAVE_HWLOC=$(HWLOC) -DHAVE_PAPI=$(PAPI)

# Where `make install` puts the figures' scripts and the task sets: another PREFIX compiles these files again.
$(O)/prefix: always
	@mkdir -p $(@D)
	@echo '$(PREFIX)' >$@.new; $(if_changed)
uses_share = $(O)/obj/bench/cmd/plot.o $(O)/obj/bench/cmd/share.o
$(uses_share): $(O)/prefix
$(uses_share): private CPPFLAGS += -DSHAREDIR='"$(PREFIX)/share/bench"'

# The SQL texts as C: bytes, because a string literal that long is not standard C.
SQL = schema gate quality audit anchor views
$(O)/schema.h: $(SQL:%=results/%.sql)
	@mkdir -p $(@D)
	@for f in $(SQL); do \
	    echo "static const unsigned char $${f}_sql[] = {"; od -An -v -tu1 results/$$f.sql | sed 's/[0-9][0-9]*/&,/g'; echo '0};'; \
	done >$@

# tests/ROOM_topic.c is one program; it links the rooms that ROOM may include, and no other.
links_base    = $(O)/libbase.a
links_kernels = $(O)/libkernels.a $(links_base)
links_engine  = $(O)/libengine.a $(links_kernels)
links_eval    = $(O)/libeval.a $(links_base)
links_results = $(O)/libresults.a $(links_base)
links_bench   = $(filter-out %/main.o,$(call obj,bench)) $(O)/libresults.a $(O)/libeval.a $(links_engine)
# tests/bench_counters.c plays PAPI.
PAPI_WRAPPED  = library_init strerror get_component_index get_component_info create_eventset assign_eventset_component set_opt \
                add_event start read stop cleanup_eventset destroy_eventset
ifeq ($(PAPI),1)
LDFLAGS_bench_counters = $(PAPI_WRAPPED:%=-Wl,--wrap=PAPI_%)
endif
# T=bench_gate: only those whose names begin so.
T             =
TESTS         = $(patsubst tests/%.c,$(O)/tests/%,$(filter tests/$(T)%,$(wildcard tests/*_*.c tests/*_*.sh)))

$(O)/tests/%: $(O)/obj/tests/%.o $(O)/obj/tests/test.o $$(links_$$(firstword $$(subst _, ,$$*)))
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $(LDFLAGS_$*) -o $@ $^ -lcmocka $(LDLIBS)

# The check of the kernels as a program that needs libc only.
$(O)/tests/cross/kernels: $(patsubst %.c,$(O)/obj/%.o,tests/cross/kernels.c $(wildcard bench/kernel_check*.c) bench/kernel_list.c \
                          bench/kernel_weights.c base/rng.c) $(O)/libkernels.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $^ -lm

# What runs beside the gate in ci/gate_trial.
$(O)/tests/load/%: $(O)/obj/tests/load/%.o
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(O)/tests/fuzz/%: $(O)/obj/tests/fuzz/%.o $(links_engine)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The recipes below call make again, so that the machine is set up before the first compiler runs, under -j too.
setup:
	@CC='$(CC)' HWLOC=$(HWLOC) PAPI=$(PAPI) ci/setup

test: setup
	@$(MAKE) --no-print-directory run-tests

run-tests: $(TESTS) $(O)/bench
	@BENCH=$(O)/bench ci/run-tests $(O)/test-logs $(TESTS)

check: $(O)/bench
	$(O)/bench kernels --check

# The Arm kernels on a machine that is no Arm.  Static and of libc alone: nothing is needed of the other side.
CROSS     = aarch64-linux-gnu-
EMULATOR  = qemu-aarch64 -cpu max
check-arm:
	@$(MAKE) --no-print-directory O=$(O)/arm CC=$(CROSS)gcc HWLOC=0 PAPI=0 $(O)/arm/tests/cross/kernels
	$(EMULATOR) $(O)/arm/tests/cross/kernels

# -w: instrumented code makes the compiler warn of what is not there.
asan = O=$(O)/asan OPT=-O1 SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -w'

check-asan:
	@$(MAKE) --no-print-directory $(asan) run-tests check

# fuzz-NAME runs tests/fuzz/NAME.c (libFuzzer, clang) for a while from its seeds; a new input that finds something goes to
# $(O)/fuzz/found-NAME-*.  Without pointer-overflow and null, which AddressSanitizer sees too: with coverage they cost clang more than six
# minutes in kernels/gemm_q8.c.
FUZZ_SECONDS = 60
fuzz = O=$(O)/fuzz CC=clang OPT=-O1 SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=pointer-overflow,null -fno-sanitize-recover=undefined -w'

fuzz-%:
	@CC=clang HWLOC=$(HWLOC) PAPI=$(PAPI) ci/setup
	@$(MAKE) --no-print-directory $(fuzz) $(O)/fuzz/tests/fuzz/$*
	@mkdir -p $(O)/fuzz/corpus-$*
	$(O)/fuzz/tests/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -max_len=32768 -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
	    -artifact_prefix=$(O)/fuzz/found-$*- $(O)/fuzz/corpus-$* tests/fuzz/$*

# The shipped model is scored on its tasks; another one on a text only, for these tasks are not what it was trained for.
MODEL      = models/home.gguf
demo_text  = --text prompts/story.txt
ifeq ($(MODEL),models/home.gguf)
demo_text  = --text prompts/home/stories.txt --reference f16 --tasks home
endif

demo: setup
	@$(MAKE) --no-print-directory all
	$(O)/bench sweep --model '$(MODEL)' --format f16,q8_0,q4_0 --context 64,256 --threads 1,2 $(demo_text)
	$(O)/bench plot last -o plots/out
	$(O)/bench compare last:f16 last:q4_0

# docs/quality.md: what each format costs the shipped model, all of it measured anew (some minutes).
QUALITY = f16,q8_0,q6_k,q5_k_m,q5_1,q5_0,q4_k_m,q4_k_s,iq4_nl,iq4_xs,q4_1,q4_0,mxfp4,q3_k_l,q3_k_m,q3_k_s,q3_k,q2_k_mix,q2_k,tq2_0
quality: $(O)/bench
	@rm -f $(O)/quality.db*
	$(O)/bench sweep --model models/home.gguf --format $(QUALITY) --context 16 --decode 4 --trials 1 --text prompts/home/stories.txt \
	    --reference f16 --tasks home --db $(O)/quality.db >/dev/null
	@{ printf '%s\n' '# Quality by weight format' '' \
	    'The shipped model (models/README.md) on stories and on its tasks, made by `make quality`; docs/method.md defines the numbers.' \
	    'Rows are in order of size. KV cache f16, compute path packed.' ''; \
	    $(O)/bench show last --db $(O)/quality.db --markdown; } >docs/quality.md.new
	@mv docs/quality.md.new docs/quality.md

lint: $(GENERATED)
	@O=$(O) HWLOC=$(HWLOC) PAPI=$(PAPI) ci/lint

format:
	clang-format -i $(SRC) $(foreach r,$(ROOMS) tests,$(wildcard $r/*.h $r/*/*.h))

install: $(O)/bench
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(O)/bench $(DESTDIR)$(PREFIX)/bin/bench
	@for f in plots/*.gp prompts/* prompts/*/* models/*.gguf; do \
	    [ -f "$$f" ] || continue; \
	    install -D -m 644 "$$f" "$(DESTDIR)$(PREFIX)/share/bench/$$f" || exit 1; \
	done

clean:
	rm -rf $(O)

-include $(patsubst %.c,$(O)/obj/%.d,$(SRC))
