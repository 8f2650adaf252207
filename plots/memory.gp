# memory.gp - what each variant was planned to take, part by part, the program and its libraries, and the measured peak.
# Empty when the run has neither a plan nor a measured peak; the probes that bench show lists say why.

load scripts."/style.gp"
stats data using (column("bar")) name "B" nooutput
n = int(B_max)
array label[n]
array state[n]
array edge[n]
total(x) = known("weights_mib", 0) + known("kv_mib", 0) + known("arena_mib", 0) + known("tables_mib", 0) + known("program_mib", 0)
stats data using (b = int(column("bar")), label[b] = shorten(strcol("label"), 76), state[b] = strcol("state"), \
    edge[b] = larger(total(0), known("peak_mib", 0)), 0) nooutput
longest = 0
widest = 0
do for [i = 1:n] { longest = larger(longest, strlen(label[i])); widest = larger(widest, edge[i]) }

height = 110 + 30 * n
heading = "Memory: the plan, the program itself, and the measured peak"
load scripts."/page.gp"

set lmargin at screen (30 + text_width(longest)) / width
set rmargin at screen 0.97
set tmargin at screen 1 - (top + 30) / height
set bmargin at screen 66 / height
unset key
set grid noytics xtics
set border 1
set yrange [n + 0.6 : 0.4]
set ytics () scale 0
do for [i = 1:n] { set ytics add (label[i] i) }
set xrange [0 : (widest > 0 ? widest : 1) * 1.16] # the null runtime plans no byte
set xlabel "MiB" textcolor rgb ink
set style fill solid 1.0 noborder

# The key by hand: gnuplot's own depends on the width of the plot, which long labels make narrow.
parts = "#0072B2 #E69F00 #009E73 #CC79A7 #BBBBBB #000000"
array said[6] = ["weights", "KV cache", "arena", "tables", "program", "measured peak (MiB)"]
at = 18
do for [i = 1:6] {
    bar = i == 6 ? 3 : 18
    set object i rectangle from screen at / width, screen 1 - (top + 2) / height to screen (at + bar) / width, \
        screen 1 - (top + 14) / height fillcolor rgb word(parts, i) fillstyle solid 1.0 noborder
    set label i said[i] at screen (at + bar + 7) / width, screen 1 - (top + 8) / height left textcolor rgb ink
    at = at + bar + 30 + text_width(strlen(said[i]))
}

# The parts are stacked: each begins where the one before it ends.
to_weights(x) = known("weights_mib", 0)
to_kv(x) = to_weights(0) + known("kv_mib", 0)
to_arena(x) = to_kv(0) + known("arena_mib", 0)
to_tables(x) = to_arena(0) + known("tables_mib", 0)
no_peak(x) = strcol("state") eq "ok" ? "no peak measured" : strcol("state")
peak_label(x) = strcol("peak_mib") eq "NaN" ? no_peak(0) : digits(column("peak_mib"))
upper(x) = column("bar") - 0.3
lower(x) = column("bar") + 0.3

plot data using (0):(column("bar")):(0):(to_weights(0)):(upper(0)):(lower(0)) with boxxyerror \
         linecolor rgb word(parts, 1), \
     data using (0):(column("bar")):(to_weights(0)):(to_kv(0)):(upper(0)):(lower(0)) with boxxyerror \
         linecolor rgb word(parts, 2), \
     data using (0):(column("bar")):(to_kv(0)):(to_arena(0)):(upper(0)):(lower(0)) with boxxyerror \
         linecolor rgb word(parts, 3), \
     data using (0):(column("bar")):(to_arena(0)):(to_tables(0)):(upper(0)):(lower(0)) with boxxyerror \
         linecolor rgb word(parts, 4), \
     data using (0):(column("bar")):(to_tables(0)):(total(0)):(upper(0)):(lower(0)) with boxxyerror \
         linecolor rgb word(parts, 5), \
     data using (known("peak_mib", NaN)):(column("bar") - 0.42):(0):(0.84) with vectors nohead \
         linecolor rgb "#000000" linewidth 2.5, \
     data using (larger(total(0), known("peak_mib", 0))):(column("bar")):(peak_label(0)) with labels \
         left offset 0.8, 0 textcolor rgb ink
