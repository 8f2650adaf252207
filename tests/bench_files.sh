#!/bin/sh
# The commands around model files: inspect, tokenize, quantize, synth.  What they print for people and as JSON, what they refuse,
# and with which exit code.  The engine's part is tested in tests/engine_*.c.
# SPDX-License-Identifier: MIT
set -u
. tests/frame.sh

check() # EXIT-CODE PATTERN COMMAND...
{
    code=$1 pattern=$2
    shift 2
    expect "$code" "$pattern" "$bench" "$@"
}

check 0 '^qwen3-0.6b  *28  *1024  *3072  *16  *8  *128  *151936' synth --list-presets
check 0 '"name":"tinyllama-1.1b".*"tied":false' synth --list-presets --json
check 2 'did you mean smollm2-135m?' synth --preset smollm-135m --format q8_0 -o "$dir/s.gguf"
check 0 '"name":"gemma3-1b".*"family":"gemma3","parameters":999885952' synth --list-presets --json
check 0 'own, 1.9 M parameters in q8_0' synth --shape layers=2,width=128,ff=320,heads=4,kv_heads=2,vocabulary=12000 \
    --format q8_0 -o "$dir/own.gguf"
check 0 '^llama.attention.head_count_kv *u32 *2' inspect "$dir/own.gguf"
check 0 'smollm2-135m, 30.0 M parameters in q4_0' synth --preset smollm2-135m --shape layers=1,vocabulary=46000 --format q4_0 -o "$dir/own.gguf"
check 0 'Families: llama, qwen2, qwen3, gemma2, gemma3, phi3' synth --help
check 2 'shape: family gemma3 has windows: window=N is needed' synth --shape family=gemma3,layers=1,width=64,ff=64,heads=2,vocabulary=400 \
    --format f16 -o "$dir/own.gguf"
check 0 'own, 0.2 M parameters in q8_0' synth --shape family=lfm2,layers=4,width=64,ff=96,heads=2,vocabulary=1000,attention_layers=1,taps=3 \
    --format q8_0 -o "$dir/lfm2.gguf"
check 0 '^lfm2.attention.head_count_kv .*0, 0, 0, 2' inspect "$dir/lfm2.gguf"
check 2 'attention_layers=N (1 to 16)' synth --preset lfm2-350m --shape attention_layers=17 --format q8_0 -o "$dir/lfm2.gguf"
check 0 'int8_token' inspect "$dir/own.gguf" --compute int8_token
check 2 'did you mean int8_token? (it can be packed, int8, int8_token, exact)' inspect "$dir/own.gguf" --compute int8_tokens
check 2 'shape: layers=0: it must be 1 to 1000' synth --shape width=64 --format f16 -o "$dir/own.gguf"
check 2 'shape widht: there is no such part; did you mean width' synth --shape widht=64 --format f16 -o "$dir/own.gguf"
check 2 'shape layers: each part must be name=value' synth --shape layers --format f16 -o "$dir/own.gguf"
check 2 'shape layers=two: it must be a whole number' synth --shape layers=two --format f16 -o "$dir/own.gguf"
check 2 '--preset NAME is needed' synth --format q8_0 -o "$dir/s.gguf"
check 2 'did you mean q8_0?' synth --preset smollm2-135m --format q8_O -o "$dir/s.gguf"
check 5 'none/s.gguf: cannot create' synth --preset smollm2-135m --format q8_0 -o "$dir/none/s.gguf"
check 2 'needs IN.gguf OUT.gguf' quantize "$dir/in.gguf" --format q8_0
check 5 'in.gguf: cannot open' quantize "$dir/in.gguf" "$dir/out.gguf" --format q8_0
check 2 'format file: unknown' quantize "$dir/in.gguf" "$dir/out.gguf" --format file
check 2 'has no encoder for it' quantize "$dir/in.gguf" "$dir/out.gguf" --format iq2_xs
check 2 'has no encoder for it' synth --preset smollm2-135m --format iq1_s -o "$dir/out.gguf"
check 2 'one scale for a matrix' synth --preset smollm2-135m --format int8_tensor_sym -o "$dir/out.gguf"
echo 'not a model' >"$dir/text.gguf"
check 5 'text.gguf: not a GGUF file' inspect "$dir/text.gguf"
check 5 'text.gguf: not a GGUF file' tokenize --model "$dir/text.gguf" --text x

model=$data/models/stories260K.gguf
if [ -r "$model" ]; then
    check 0 '^parameters: 292800; weight matrices: f32' inspect "$model"
    check 0 '^blk.4.ffn_down.weight  *f32  *172 x 64  *44032$' inspect "$model"
    check 0 'KV cache  *0.16 MiB' inspect "$model" --brief --context 128 --kv f32 --threads 2
    check 0 'KV cache  *0.05 MiB' inspect "$model" --brief --context 512 --kv f32 --policy sinks:4+28 --batch 9
    check 0 '^no footprint: .*use f16' inspect "$model" --kv q8_0
    check 0 '"footprint":{"context":256,"kv":"f16:f32","policy":"full","threads":1,.*"kv_bytes":245760' inspect "$model" --context 256 --kv f16:f32 --json
    check 2 '--context 0: must be' inspect "$model" --context 0
    check 0 '^1 403 407 261 378$' tokenize --model "$model" --text 'Once upon a time' --bos
    check 0 '"inputs":\[{"tokens":4,"ids":\[403,407,261,378\]}\]' tokenize --model "$model" --text 'Once upon a time' --json
    check 2 'one input' tokenize --model "$model"
    check 2 'one input' tokenize --model "$model" --text x --file "$model"
    check 0 '^37 matrices converted, 11 other tensors copied' quantize "$model" "$dir/q8.gguf" --format q8_0
    check 0 'weight matrices: q8_0' inspect "$dir/q8.gguf"
    check 0 '"stand_ins":5,"stand_in_names":"blk.0.ffn_down.weight,' quantize "$model" "$dir/q4.gguf" --format q4_0 --json
    check 5 'is already q8_0' quantize "$dir/q8.gguf" "$dir/q4.gguf" --format q4_0
    check 2 'same file' quantize "$dir/q8.gguf" "$dir/q8.gguf" --format q4_0
else
    skipped=$((skipped + 16))
    echo "SKIP: models/stories260K.gguf is not in $data"
fi

vocabulary=$data/tokenizers/ggml-vocab-phi-3.gguf
if [ -r "$vocabulary" ]; then
    printf 'Hello\n\n world' >"$dir/lines"
    check 0 '^15043$' tokenize --model "$vocabulary" --lines "$dir/lines"
    check 0 '"tokens":3,"inputs":\[{"tokens":1,"ids":\[15043\]},{"tokens":0,"ids":\[\]},{"tokens":2,"ids":\[29871,3186\]}\]' \
        tokenize --model "$vocabulary" --lines "$dir/lines" --json
    check 0 '^15043 13 13 3186$' tokenize --model "$vocabulary" --file "$dir/lines"
    check 0 '^no footprint: the file has a vocabulary only' inspect "$vocabulary"
    check 0 '"parameters":null,"footprint":null,"no_footprint_because":"the file' inspect "$vocabulary" --json
    check 0 '^15496 995$' tokenize --model "$data/tokenizers/ggml-vocab-gpt-2.gguf" --text 'Hello world'
else
    skipped=$((skipped + 6))
    echo "SKIP: tokenizers/ggml-vocab-phi-3.gguf is not in $data"
fi

sum
