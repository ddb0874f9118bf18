"""Holds what SAM makes of the template to what the template says of rights: `rights.py EXPANDED`."""

import json
import sys


def statements(policies, only_if=None):
    """Each statement, with the condition of the stack that it depends on."""
    for policy in policies:
        if "Fn::If" in policy:
            condition, then, otherwise = policy["Fn::If"]
            assert otherwise == {"Ref": "AWS::NoValue"}, otherwise
            yield from statements([then], condition)
        else:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                yield only_if, statement, [actions] if isinstance(actions, str) else actions


with open(sys.argv[1], encoding="utf-8") as file:
    resources = json.load(file)["Resources"]
roles = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}
tellers = []
for role, properties in roles.items():
    for only_if, statement, actions in statements(properties.get("Policies", [])):
        assert "dynamodb:Scan" not in actions, f"{role} may walk the table"
        if any(action.startswith("events:") or action == "*" for action in actions):
            tellers.append((role, only_if, actions, statement["Resource"]["Fn::Sub"].rpartition(":")[2]))
expected = [("CollectRole", "TellsEvents", ["events:PutEvents"], "event-bus/${EventBus}")]
assert tellers == expected, f"these may tell a bus: {tellers}, and not only {expected}"
print(f"  {', '.join(sorted(roles))}: none walks the table, and only CollectRole tells the bus, where there is one")
