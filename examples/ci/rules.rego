# The same as rules.yaml for conftest: `conftest test plan.json --policy rules.rego`.
package main

import rego.v1

warn contains msg if {
	nodes := {step.node | some step in input.steps; step.verb == "park"}
	count(nodes) > 5
	msg := sprintf("few-at-once: %d nodes are touched, more than 5: tell the people who are at work", [count(nodes)])
}

deny contains msg if {
	some pool in input.pools
	kept := sum([unit.kept | some unit in pool.headroom.units])
	wanted := sum([unit.wanted | some unit in pool.headroom.units])
	kept < wanted
	msg := sprintf("keep-headroom: pool %s keeps %d of %d units of headroom", [pool.name, kept, wanted])
}

deny contains msg if {
	input.cost.weekMicros > 5000 * 1000000
	msg := sprintf("budget: it costs %d %s in 7 days, more than 5000: ask whoever holds the allocation", [round(input.cost.weekMicros / 1000000), input.cost.unit])
}

deny contains msg if {
	some step in input.steps
	some pod in step.pods
	pod.lost
	msg := sprintf("nothing-is-lost: nothing makes %s again", [pod.pod])
}
