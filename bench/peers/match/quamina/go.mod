module bench.invalid/quamina

go 1.19

require (
	bench.invalid/common v0.0.0
	quamina.net/go/quamina v1.4.0
)

replace bench.invalid/common => ../common
