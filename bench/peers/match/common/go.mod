module bench.invalid/common

go 1.19

require github.com/valyala/fastjson v1.6.4
