//! A policy as the index keeps it: without what the index decides, and with what its
//! conditions mention, so that Cedar is told no more than that.

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, EntityType, Expr, Literal, Policy as Tree,
    PrincipalConstraint, ResourceConstraint, StaticPolicy, Template, Var,
};
use cedar_policy::{Effect, Policy};

use super::{Needs, names};

/// A policy that is evaluated for those calls only whose action, caller and resource are
/// in what its head says.
#[derive(Clone)]
pub(super) struct Candidate {
    /// The policy, without any `in` in its head.
    pub(super) policy: Policy,
    /// What its conditions mention.
    pub(super) mentions: Mentions,
    /// Whether it permits.
    pub(super) permits: bool,
    /// Whether it asks for the tags of a pool.
    pub(super) asks_tags: bool,
}

/// What conditions mention of a call. Each takes a microsecond or more to tell Cedar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    /// The caller, its attributes or tags.
    pub(super) caller: bool,
    /// The resource, its attributes or tags.
    pub(super) resource: bool,
    /// What is in what: roles, pools, groups of actions.
    pub(super) hierarchy: bool,
    /// What the request says.
    pub(super) request: bool,
    /// When the call came.
    pub(super) time: bool,
    /// Where it came from.
    pub(super) peer: bool,
}

impl Candidate {
    /// A policy that Cedar cannot take apart stays as it is, and mentions everything.
    pub(super) fn new(policy: &Policy) -> Self {
        let (taken_apart, mentions) =
            Self::taken_apart(policy).unwrap_or_else(|| (policy.clone(), Mentions::ALL));
        Self {
            policy: taken_apart,
            mentions,
            permits: policy.effect() == Effect::Permit,
            asks_tags: Needs::of(policy).tags,
        }
    }

    fn taken_apart(policy: &Policy) -> Option<(Policy, Mentions)> {
        let Ok(Tree::Static(tree)) = policy.to_pst() else {
            return None;
        };
        let body = without_hierarchy(tree.body().clone());
        let mentions = Mentions::of(&body);
        let tree = Tree::Static(StaticPolicy::try_from(body).ok()?);
        let policy = Policy::from_pst(tree).ok()?;
        Some((policy, mentions))
    }
}

/// Takes every `in` out of a head. `==` and `is` stay, as they take no time.
fn without_hierarchy(mut body: Template) -> Template {
    body.principal = match body.principal {
        PrincipalConstraint::In(_) => PrincipalConstraint::Any,
        PrincipalConstraint::IsIn(kind, _) => PrincipalConstraint::Is(kind),
        other => other,
    };
    body.action = match body.action {
        ActionConstraint::In(_) => ActionConstraint::Any,
        other => other,
    };
    body.resource = match body.resource {
        ResourceConstraint::In(_) => ResourceConstraint::Any,
        ResourceConstraint::IsIn(kind, _) => ResourceConstraint::Is(kind),
        other => other,
    };
    body
}

impl Mentions {
    const NOTHING: Self = Self {
        caller: false,
        resource: false,
        hierarchy: false,
        request: false,
        time: false,
        peer: false,
    };

    pub(super) const ALL: Self = Self {
        caller: true,
        resource: true,
        hierarchy: true,
        request: true,
        time: true,
        peer: true,
    };

    /// What is mentioned by both.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            caller: self.caller || other.caller,
            resource: self.resource || other.resource,
            hierarchy: self.hierarchy || other.hierarchy,
            request: self.request || other.request,
            time: self.time || other.time,
            peer: self.peer || other.peer,
        }
    }

    /// What the conditions of a policy mention. Where that is not plain the answer is
    /// that they do.
    fn of(body: &Template) -> Self {
        let conditions = body.clauses().iter().map(|clause| match clause {
            Clause::When(condition) | Clause::Unless(condition) => Self::within(condition),
        });
        conditions.fold(Self::NOTHING, Self::or)
    }

    fn within(expression: &Expr) -> Self {
        expression.reduce(&Self::by, &Self::or, Self::NOTHING)
    }

    /// What an expression mentions, or nothing where what it is made of tells.
    fn by(expression: &Expr) -> Option<Self> {
        let nothing = Self::NOTHING;
        let in_ = Self {
            hierarchy: true,
            ..nothing
        };
        match expression {
            Expr::GetAttr { expr, attr } if is_context(expr) => Some(Self::by_attribute(attr)),
            Expr::HasAttr { expr, attrs } if is_context(expr) => {
                Some(Self::by_attribute(attrs.first()))
            }
            Expr::Var(variable) => Some(Self::by_variable(variable)),
            Expr::Literal(Literal::EntityUID(uid)) => Some(Self::by_type(&uid.ty)),
            Expr::BinaryOp {
                op: BinaryOp::In,
                left,
                right,
            } => Some(Self::within(left).or(Self::within(right)).or(in_)),
            Expr::Is {
                expr,
                in_expr: Some(right),
                ..
            } => Some(Self::within(expr).or(Self::within(right)).or(in_)),
            Expr::Slot(_) | Expr::Unknown { .. } => Some(Self::ALL),
            _ => None,
        }
    }

    fn by_attribute(of_context: &str) -> Self {
        let (time, peer) = (of_context == "time", of_context == "peer_address");
        Self {
            request: !(time || peer),
            time,
            peer,
            ..Self::NOTHING
        }
    }

    fn by_variable(variable: &Var) -> Self {
        // The whole context, such as in a comparison.
        let context = matches!(variable, Var::Context);
        Self {
            caller: matches!(variable, Var::Principal),
            resource: matches!(variable, Var::Resource),
            hierarchy: false,
            request: context,
            time: context,
            peer: context,
        }
    }

    /// An entity that is written out may be the one that the call is about.
    fn by_type(kind: &EntityType) -> Self {
        let kind = kind.to_string();
        let is = |basename| names::is_type(&kind, basename);
        Self {
            caller: is("Caller"),
            resource: !(is("Caller") || is("Role") || is("Action")),
            ..Self::NOTHING
        }
    }
}

fn is_context(expression: &Expr) -> bool {
    matches!(expression, Expr::Var(Var::Context))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(text: &str) -> Candidate {
        Candidate::new(&text.parse().unwrap())
    }

    #[test]
    fn a_policy_mentions_what_is_in_its_conditions() {
        for (condition, expected) in [
            ("true", ""),
            ("context.tag_keys.contains(\"time\")", "request"),
            ("action == Poolgate::Action::\"GetId\"", ""),
            ("context.time > datetime(\"2030-01-01\")", "time"),
            ("!(context has time)", "time"),
            ("context[\"time\"] > datetime(\"2030-01-01\")", "time"),
            (
                "[1, if context.peer_address.isIpv4() then 2 else 3].contains(2)",
                "peer",
            ),
            ("context == {}", "request time peer"),
            (
                "{a: context}.a.time > datetime(\"2030-01-01\")",
                "request time peer",
            ),
            (
                "(if true then context else context).tag_keys.isEmpty()",
                "request time peer",
            ),
            ("principal.id like \"a*\"", "caller"),
            ("principal.hasTag(\"team\")", "caller"),
            ("principal == Poolgate::Caller::\"a\"", "caller"),
            ("Poolgate::Caller::\"a\".id == \"a\"", "caller"),
            ("resource.pool.hasTag(\"team\")", "resource"),
            ("Poolgate::IdentityPool::\"a\".hasTag(\"team\")", "resource"),
            (
                "principal.getTag(\"team\") == resource.getTag(\"team\")",
                "caller resource",
            ),
            ("principal in Poolgate::Role::\"a\"", "caller hierarchy"),
            (
                "principal is Poolgate::Caller in Poolgate::Role::\"a\"",
                "caller hierarchy",
            ),
            ("action in Poolgate::Action::\"read\"", "hierarchy"),
            (
                "resource in [Poolgate::IdentityPool::\"a\"]",
                "resource hierarchy",
            ),
            (
                "(if context has time then principal else principal) in Poolgate::Role::\"a\"",
                "caller hierarchy time",
            ),
            (
                "resource is Poolgate::Identity in (if context has time then resource.pool else resource.pool)",
                "resource hierarchy time",
            ),
        ] {
            let text = format!("permit (principal, action, resource) unless {{ {condition} }};");
            let mentions = candidate(&text).mentions;
            let words = [
                (mentions.caller, "caller"),
                (mentions.resource, "resource"),
                (mentions.hierarchy, "hierarchy"),
                (mentions.request, "request"),
                (mentions.time, "time"),
                (mentions.peer, "peer"),
            ];
            let words: Vec<&str> = words
                .into_iter()
                .filter(|word| word.0)
                .map(|word| word.1)
                .collect();
            assert_eq!(words.join(" "), expected, "{condition}");
        }
    }

    #[test]
    fn every_in_is_taken_out_of_a_head_and_nothing_else() {
        for (head, expected) in [
            ("principal, action, resource", "principal, action, resource"),
            (
                "principal in A::\"a\", action in [Action::\"b\"], resource in C::\"c\"",
                "principal, action, resource",
            ),
            (
                "principal is A in A::\"a\", action in Action::\"b\", resource is C in C::\"c\"",
                "principal is A, action, resource is C",
            ),
            (
                "principal == A::\"a\", action == Action::\"b\", resource == C::\"c\"",
                "principal == A::\"a\", action == Action::\"b\", resource == C::\"c\"",
            ),
        ] {
            let tail = "when { context.a } unless { context.b && (context.c || context.d) }";
            let given = candidate(&format!("@id(\"p\") forbid ({head}) {tail};"));
            let wanted: Policy = format!("@id(\"p\") forbid ({expected}) {tail};")
                .parse()
                .unwrap();
            assert_eq!(
                given.policy.to_json().unwrap(),
                wanted.to_json().unwrap(),
                "{head}"
            );
        }
    }
}
