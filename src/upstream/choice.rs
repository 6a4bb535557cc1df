//! Which target a call goes to.
//!
//! A call that names a target goes there or nowhere. Otherwise it goes to the target that
//! answers for its region by itself, of which configuration allows one.

use super::settings::Settings;
use super::targets::TargetSettings;
use crate::call::{Target, Unclear, Why};

impl Settings {
    /// The target of a call for a resource in `region`, which names one or none.
    ///
    /// # Errors
    ///
    /// As [`Upstream::choose`](super::Upstream::choose).
    pub fn choose(&self, named: Option<&[u8]>, region: Option<&str>) -> Result<Target, Unclear> {
        let position = position(self, named, region)?;
        let target = position.and_then(|position| self.targets.get(position));
        Ok(match target {
            Some(target) => called(target),
            None => Target {
                name: None,
                account: self.account_id.as_deref().map(Into::into),
            },
        })
    }
}

/// Where in the settings the target of a call stands; nothing where there are no targets.
fn position(
    settings: &Settings,
    named: Option<&[u8]>,
    region: Option<&str>,
) -> Result<Option<usize>, Unclear> {
    let targets = &settings.targets;
    if targets.is_empty() {
        return match named {
            None => Ok(None),
            Some(_) => Err(unclear(&[], Why::NoneSetUp)),
        };
    }
    let region = region.unwrap_or(&settings.region);
    let here: Vec<&TargetSettings> = targets.iter().filter(|one| answers(one, region)).collect();
    if let Some(named) = named {
        let mut all = targets.iter().enumerate();
        return match all.find(|(_, target)| target.name.as_bytes() == named) {
            Some((position, target)) if answers(target, region) => Ok(Some(position)),
            Some((_, target)) => Err(unclear(&[target], Why::Region(region.to_owned()))),
            None => {
                let all: Vec<&TargetSettings> = targets.iter().collect();
                let why = Why::NoSuch {
                    region: region.to_owned(),
                    here: here.iter().map(|target| target.name.clone()).collect(),
                };
                Err(unclear(&all, why))
            }
        };
    }
    if here.is_empty() {
        return Err(unclear(&[], Why::Region(region.to_owned())));
    }
    let mut by_itself = targets
        .iter()
        .enumerate()
        .filter(|(_, target)| answers(target, region) && !target.named_only);
    match (by_itself.next(), by_itself.next()) {
        (Some((position, _)), None) => Ok(Some(position)),
        _ => Err(unclear(
            &here,
            Why::NotNamed {
                region: region.to_owned(),
            },
        )),
    }
}

fn answers(target: &TargetSettings, region: &str) -> bool {
    target.regions.iter().any(|known| known == region)
}

fn unclear(about: &[&TargetSettings], why: Why) -> Unclear {
    Unclear {
        about: about.iter().map(|target| called(target)).collect(),
        why,
    }
}

fn called(target: &TargetSettings) -> Target {
    Target {
        name: Some(target.name.as_str().into()),
        account: Some(target.account_id.as_str().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    fn target(name: &str, account: &str, regions: &[&str], named_only: bool) -> TargetSettings {
        TargetSettings {
            name: name.to_owned(),
            regions: regions.iter().map(|&region| region.to_owned()).collect(),
            named_only,
            account_id: account.to_owned(),
            role: None,
            endpoint_url: None,
        }
    }

    fn settings() -> Settings {
        Settings {
            region: "eu-west-1".to_owned(),
            targets: vec![
                target("shop", "111111111111", &["eu-west-1", "us-east-1"], false),
                target("bank", "222222222222", &["eu-west-1"], true),
                target("left", "333333333333", &["eu-central-1"], true),
                target("right", "444444444444", &["eu-central-1"], true),
            ],
            ..Settings::default()
        }
    }

    fn name(named: Option<&str>, region: Option<&str>) -> Result<String, String> {
        let chosen = settings().choose(named.map(str::as_bytes), region);
        chosen
            .map(|target| target.name.unwrap().to_string())
            .map_err(|unclear| unclear.told().to_string())
    }

    #[test]
    fn a_call_goes_to_the_target_it_names_and_else_to_the_one_for_its_region() {
        let chosen = |named, region| name(named, region).unwrap();

        assert_eq!(chosen(None, None), "shop");
        assert_eq!(chosen(None, Some("us-east-1")), "shop");
        assert_eq!(chosen(Some("bank"), Some("eu-west-1")), "bank");
        assert_eq!(chosen(Some("bank"), None), "bank");
        assert_eq!(chosen(Some("right"), Some("eu-central-1")), "right");
        let bank = settings().choose(Some(b"bank"), None).unwrap();
        assert_eq!(bank.account.as_deref(), Some("222222222222"));
    }

    #[test]
    fn a_call_that_could_mean_several_is_told_which() {
        let refused = |named, region| name(named, region).unwrap_err();

        assert_eq!(
            refused(None, Some("eu-central-1")),
            "`x-poolgate-target`: a call for `eu-central-1` has to name one of the targets \
             `left`, `right`"
        );
        assert_eq!(
            refused(Some("Bank"), Some("eu-west-1")),
            "`x-poolgate-target`: there is no target of this name; the targets of `eu-west-1` \
             are `shop`, `bank`"
        );
    }

    #[test]
    fn no_call_goes_to_a_region_that_its_target_does_not_answer_for() {
        for (named, region) in [
            (None, "ap-south-1"),
            (Some("bank"), "us-east-1"),
            (Some("left"), "eu-west-1"),
        ] {
            let unknown = Failure::UnknownRegion {
                region: region.to_owned(),
            };
            let chosen = settings().choose(named.map(str::as_bytes), Some(region));
            assert_eq!(chosen.map_err(|it| it.told()), Err(unknown), "{named:?}");
        }
    }

    #[test]
    fn without_targets_there_is_nothing_to_name() {
        let settings = Settings {
            account_id: Some("123456789012".to_owned()),
            ..Settings::default()
        };

        let chosen = settings.choose(None, Some("xx-moon-9")).unwrap();
        assert_eq!(chosen.name, None);
        assert_eq!(chosen.account.as_deref(), Some("123456789012"));
        assert!(settings.choose(Some(b"shop"), None).is_err());
    }
}
